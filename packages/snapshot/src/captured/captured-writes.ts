import { join } from "node:path";
import { SnapshotChanges } from "../changes/snapshot-changes.ts";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import { NO_FACTS } from "../directory/file-facts.ts";
import type { SnapshotChange } from "../layer/layer-changes.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { applyCaptured } from "./apply-captured.ts";
import { type CapturedOptions, type CapturedPart, capturedEntries, layerEntries } from "./captured-entries.ts";
import { type Conflict, findConflicts } from "./find-conflicts.ts";

/** What was written over directories of this machine, by whoever saw them as the lower layers of overlays. */
export class CapturedWrites implements Disposable {
  readonly #parts: readonly CapturedPart[];
  readonly #system = new SystemCalls();
  readonly #options: CapturedOptions;

  /** @param scratch path of a file that is not there */
  constructor(parts: readonly CapturedPart[], scratch: string) {
    this.#parts = parts;
    this.#options = { system: this.#system, scratch };
  }

  [Symbol.dispose](): void {
    this.#system[Symbol.dispose]();
  }

  /** What differs from what is there now, with absolute paths in the order of their bytes. */
  async list(): Promise<readonly SnapshotChange[]> {
    const found: SnapshotChange[] = [];
    for (const part of this.#parts) {
      const entries = (): ReturnType<typeof layerEntries> => layerEntries(part, this.#options);
      using changes = new SnapshotChanges({ entries, below: [new DirectoryLayer(part.below, NO_FACTS)] });
      for (const { kind, path } of await changes.list()) found.push({ kind, path: join(part.below, path) });
    }
    return found.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  }

  /** What stands in the way of {@link apply}: see find-conflicts.ts. */
  async conflicts(sinceNs: bigint): Promise<readonly Conflict[]> {
    const found: Conflict[] = [];
    for (const part of this.#parts) {
      found.push(...(await findConflicts(part, capturedEntries(part, this.#options), sinceNs)));
    }
    return found;
  }

  /** Writes it to the directories. @throws OrlopError, or the errors of node:fs; what is done by then stays */
  async apply(sinceNs: bigint): Promise<void> {
    for (const part of this.#parts) {
      await applyCaptured(part.below, capturedEntries(part, this.#options), { ...this.#options, sinceNs });
    }
  }
}
