import type { DeathWorld, WorldDaemon } from "./death-world-fixture.ts";

/** What a supervisor does: whenever the daemon of a world has been killed it starts another, until it is to end. */
export class KeptDaemon {
  readonly #world: DeathWorld;
  #current: WorldDaemon;
  #isEnding = false;
  readonly #over: Promise<void>;
  readonly #said: string[] = [];

  private constructor(world: DeathWorld, first: WorldDaemon) {
    this.#world = world;
    this.#current = first;
    this.#over = this.#keep();
  }

  static async start(world: DeathWorld): Promise<KeptDaemon> {
    return new KeptDaemon(world, await world.startDaemon());
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#current.exited;
      this.#said.push(...this.#current.said);
      if (this.#isEnding) return;
      this.#current = await this.#world.startDaemon();
    }
  }

  /** Ends the last one as a supervisor does; the result is all that daemons have said. */
  async end(): Promise<readonly string[]> {
    this.#isEnding = true;
    for (const { pid, kind } of this.#world.processes()) if (kind === "daemon") await this.#world.signal(pid, "TERM");
    await this.#over;
    return this.#said;
  }
}
