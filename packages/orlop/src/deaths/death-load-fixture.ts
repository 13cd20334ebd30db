import { setTimeout as delay } from "node:timers/promises";
import type { DeathWorld, DoomedResult, Kind } from "./death-world-fixture.ts";

/** What a container of the load does: it counts, says in a file that it has come to the end, and ends with its own code. */
export const LAST_LINE = 8;
/** Exit codes of containers that have come to their ends are among these. */
export const OWN_CODES: readonly number[] = [11, 12, 13, 14, 15];
export const NETWORKS: readonly string[] = ["one", "two"];

const NAMES = ["aa", "bb", "cc", "dd"];
const ENDLESS = 1_000_000;
/** So many times as long as others those may live that are not to be killed at their work. */
const SPARED = 4;

/** So often the daemon is left alone when it is its turn. */
const DAEMON_SPARED = 0.9;

type Random = () => number;

/** Mulberry32: the same choices for the same seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface DeathRound {
  readonly actors: number;
  readonly timeMs?: number;
  readonly commands?: number;
}

/** What has been done to a world. */
interface DeathCounts {
  readonly killed: Map<Kind, number>;
  /** Ids of the containers whose reapers were killed, once for each. */
  readonly unwatched: string[];
  commands: number;
  /** Commands that nobody killed and that failed, by what they said. */
  readonly failures: DoomedResult[];
}

/** Commands for containers, several at once, of which many are killed, and with them whatever else is ours. */
export class DeathLoad {
  readonly counts: DeathCounts = { killed: new Map(), unwatched: [], commands: 0, failures: [] };
  readonly #world: DeathWorld;
  readonly #random: Random;
  readonly #done: string;
  /** As long as a command may live before it is killed. */
  readonly #lifeMaxMs: number;

  constructor(world: DeathWorld, random: Random, lifeMaxMs: number) {
    this.#world = world;
    this.#random = random;
    this.#done = world.directory("done");
    this.#lifeMaxMs = lifeMaxMs;
  }

  /** So many commands at once, for so long or so many, and somebody who kills what runs beside containers. */
  async run({ actors, timeMs, commands = Number.POSITIVE_INFINITY }: DeathRound): Promise<void> {
    const stop = new AbortController();
    const last = this.counts.commands + commands;
    const timer = timeMs === undefined ? undefined : setTimeout(() => stop.abort(), timeMs);
    const others = this.#killOthers(stop.signal);
    await Promise.all(Array.from({ length: actors }, () => this.#act(stop.signal, last)));
    clearTimeout(timer);
    stop.abort();
    await others;
  }

  async #act(signal: AbortSignal, last: number): Promise<void> {
    while (!signal.aborted && this.counts.commands < last) {
      // What would not end by itself is ended as well: who waits for a container that goes on for ever.
      const isSpared = this.#random() < 0.4;
      const lifeMs = isSpared ? SPARED * this.#lifeMaxMs : this.#random() * this.#lifeMaxMs;
      const result = await this.#world.doomed(this.#command(), lifeMs);
      this.counts.commands += 1;
      if (result.wasKilled) this.#count("command");
      else if (result.exitCode !== 0) this.counts.failures.push(result);
    }
  }

  async #killOthers(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(this.#random() * 400, undefined, { signal }).catch(() => {});
      const all = this.#world.processes().filter(({ kind }) => kind !== "command" && kind !== "other");
      const kinds = [...new Set(all.map(({ kind }) => kind))];
      // First the kind: there are more reapers than attendants.
      const wanted = this.#pick(kinds);
      const victim = this.#pick(all.filter((each) => each.kind === wanted));
      // One that is killed as often as it starts would serve nobody.
      if (victim === undefined || (victim.kind === "daemon" && this.#random() < DAEMON_SPARED)) continue;
      const killed = await this.#world.kill(victim);
      if (killed === undefined) continue;
      this.#count(killed.kind);
      if (killed.kind === "reaper" && killed.container !== undefined) this.counts.unwatched.push(killed.container);
    }
  }

  #count(kind: Kind): void {
    this.counts.killed.set(kind, (this.counts.killed.get(kind) ?? 0) + 1);
  }

  #command(): readonly string[] {
    const name = this.#pick(NAMES) ?? "";
    const network = this.#pick(NETWORKS) ?? "";
    const made = (...flags: readonly string[]): readonly string[] => this.#container(flags);
    const commands: readonly (() => readonly string[])[] = [
      () => ["run", "-d", ...made("--name", name)],
      () => [
        "run",
        "-d",
        ...made("--name", name, "--network", network, "-p", `127.0.0.1:${8000 + name.charCodeAt(0)}:80`),
      ],
      () => ["run", "-d", ...made("--name", name, "--network", network, "--restart", "on-failure:2")],
      () => ["run", "-d", "--rm", ...made()],
      () => ["run", ...made("--name", name)],
      () => ["create", ...made("--name", name, "--network", network)],
      () => ["start", name],
      () => ["stop", "-t", "0", name],
      () => ["kill", "-s", "TERM", name],
      () => ["restart", "-t", "0", name],
      () => ["rm", "-f", name],
      () => ["rm", name],
      () => ["exec", name, "true"],
      () => ["logs", name],
      () => ["wait", name],
      () => ["ps", "-a"],
      () => ["network", "connect", network, name],
      () => ["network", "disconnect", network, name],
    ];
    return this.#pick(commands)?.() ?? [];
  }

  #container(flags: readonly string[]): readonly string[] {
    const code = this.#pick(OWN_CODES) ?? 0;
    const last = this.#random() < 0.7 ? LAST_LINE : ENDLESS;
    const count = `i=0; while [ $i -lt ${last} ]; do echo $i; i=$((i+1)); sleep 0.05; done`;
    const script = `${count}; echo ${last}; echo ${code} >>/done/$HOSTNAME; exit ${code}`;
    return [...flags, "-v", `${this.#done}:/done`, "host", "sh", "-c", `HOSTNAME=$(hostname); ${script}`];
  }

  #pick<T>(choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.#random() * choices.length)];
  }
}
