import type { ExitStatus } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { containerEvent } from "@orlop/engine/container-event";
import { EventJournal } from "@orlop/engine/event-journal";

/** A program that is over sooner is told of in one go. */
const TELL_DELAY_MS = 1;

type ContainerEvent = ReturnType<typeof containerEvent>;

/** Has events tell of a container that ends with its command, as docker's do of one in the foreground. */
export class ToldRun implements Disposable {
  readonly #journal: EventJournal;
  readonly #container: ContainerDescription;
  #isTold = false;
  /** What is to be told with the end, or soon. */
  #pending: readonly ContainerEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param dataDirectory of the database that events are in */
  constructor(dataDirectory: string, container: ContainerDescription) {
    this.#journal = new EventJournal(dataDirectory);
    this.#container = container;
  }

  started(): void {
    this.#isTold = true;
    this.#pending = [...this.#made(), containerEvent(this.#container, "start")];
    this.#timer = setTimeout(() => this.#tell(), TELL_DELAY_MS);
  }

  ended({ exitCode, oomKilled = false }: Pick<ExitStatus, "exitCode" | "oomKilled">): void {
    const oom = oomKilled ? [containerEvent(this.#container, "oom")] : [];
    const die = containerEvent(this.#container, "die", { exitCode: String(exitCode) });
    this.#tell(...oom, die, containerEvent(this.#container, "destroy"));
  }

  /** Of one that could not be started, this is all. */
  [Symbol.dispose](): void {
    if (!this.#isTold) this.#tell(...this.#made(), containerEvent(this.#container, "destroy"));
    else if (this.#pending.length > 0) this.#tell();
  }

  #tell(...events: readonly ContainerEvent[]): void {
    clearTimeout(this.#timer);
    const told = [...this.#pending, ...events];
    this.#pending = [];
    this.#journal.note(...told);
  }

  #made(): readonly ContainerEvent[] {
    return ["create", "attach"].map((action) => containerEvent(this.#container, action));
  }
}
