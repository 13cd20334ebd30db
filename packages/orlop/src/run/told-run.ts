import type { ExitStatus } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { containerEvent } from "@orlop/engine/container-event";
import { EventJournal } from "@orlop/engine/event-journal";

/** Has events tell of a container that ends with its command, as docker's do of one in the foreground. */
export class ToldRun implements Disposable {
  readonly #journal: EventJournal;
  readonly #container: ContainerDescription;
  #isTold = false;

  /** @param dataDirectory of the database that events are in */
  constructor(dataDirectory: string, container: ContainerDescription) {
    this.#journal = new EventJournal(dataDirectory);
    this.#container = container;
  }

  started(): void {
    this.#isTold = true;
    this.#journal.note(...this.#made(), containerEvent(this.#container, "start"));
  }

  ended({ exitCode, oomKilled = false }: Pick<ExitStatus, "exitCode" | "oomKilled">): void {
    const oom = oomKilled ? [containerEvent(this.#container, "oom")] : [];
    const die = containerEvent(this.#container, "die", { exitCode: String(exitCode) });
    this.#journal.note(...oom, die, containerEvent(this.#container, "destroy"));
  }

  /** Of one that could not be started, this is all. */
  [Symbol.dispose](): void {
    if (!this.#isTold) this.#journal.note(...this.#made(), containerEvent(this.#container, "destroy"));
  }

  #made(): readonly ReturnType<typeof containerEvent>[] {
    return ["create", "attach"].map((action) => containerEvent(this.#container, action));
  }
}
