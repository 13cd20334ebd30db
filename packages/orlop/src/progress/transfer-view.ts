import type { PartRole, PartState, TransferEvent } from "@orlop/image";

/** Of the bytes of the last seconds: what a person calls the speed now. */
const RATE_WINDOW_MS = 3000;

export interface PartView {
  readonly digest: string;
  readonly role: PartRole;
  readonly size: number;
  readonly state: PartState;
  /** Of them have come. */
  readonly bytes: number;
  /** Absent before enough is known. */
  readonly bytesPerSecond?: number;
}

interface Part extends Omit<PartView, "bytesPerSecond"> {
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** What is known of a transfer: its events, summed up. */
export class TransferView {
  /** What is being transferred; empty before anything is known. */
  title = "";
  readonly #parts = new Map<string, Part>();

  apply(event: TransferEvent): void {
    if (event.kind === "resolving") this.title = `${event.source}: resolving`;
    else if (event.kind === "image") this.title = event.name ?? event.target.digest;
    else if (event.kind === "named") this.title = `${event.name}: done`;
    else {
      const { digest, size } = event.descriptor;
      const { role, state, bytes } = event;
      // What came before the first look was there already, or came at a speed that nobody has measured.
      const samples = this.#parts.get(digest)?.samples ?? [];
      this.#parts.set(digest, { digest, role, size, state, bytes, samples });
    }
  }

  /** Notes how far each part is, from time to time: speeds are reckoned from that. */
  sample(nowMs: number): void {
    for (const [digest, part] of this.#parts) {
      if (part.state !== "downloading") continue;
      const recent = part.samples.filter(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
      this.#parts.set(digest, { ...part, samples: [...recent, { atMs: nowMs, bytes: part.bytes }] });
    }
  }

  /** In the order in which they came up. */
  parts(): readonly PartView[] {
    return [...this.#parts.values()].map(({ samples, ...part }) => {
      const [first] = samples;
      const last = samples.at(-1);
      if (part.state !== "downloading" || first === undefined || last === undefined || last.atMs <= first.atMs) {
        return part;
      }
      const bytesPerSecond = Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs));
      return { ...part, bytesPerSecond };
    });
  }
}
