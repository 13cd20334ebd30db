import type { PartState, TransferEvent } from "@orlop/image";
import { type Movement, partStep } from "./part-text.ts";
import { printable } from "./screen-text.ts";

/** Tells about a transfer in lines, for a pipe, a file or a terminal that can do no more: one for each step of each part. */
export class LineProgress implements Disposable {
  readonly #write: (text: string) => unknown;
  readonly #movement: Movement;
  readonly #states = new Map<string, PartState>();

  constructor(write: (text: string) => unknown, movement: Movement) {
    this.#write = write;
    this.#movement = movement;
  }

  onEvent(event: TransferEvent): void {
    switch (event.kind) {
      case "resolving":
        this.#line(`${event.source}: resolving`);
        break;
      case "image":
        this.#line(`${event.name ?? "an image without a name"}: ${event.target.digest}`);
        break;
      case "named":
        this.#line(`${event.name}: done`);
        break;
      case "part": {
        const { digest, size } = event.descriptor;
        if (this.#states.get(digest) === event.state) return;
        this.#states.set(digest, event.state);
        this.#line(partStep({ digest, size, role: event.role, state: event.state }, this.#movement));
        break;
      }
    }
  }

  [Symbol.dispose](): void {}

  #line(text: string): void {
    this.#write(`${printable(text)}\n`);
  }
}
