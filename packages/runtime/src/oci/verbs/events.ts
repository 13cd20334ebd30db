import { setTimeout } from "node:timers/promises";
import { OrlopError, stringifyJson } from "@orlop/core";
import type { CgroupStats } from "@orlop/kernel";
import { parseDuration } from "../arguments/duration.ts";
import { type Call, isOwnCall } from "../call.ts";
import { containerId } from "../container-id.ts";
import type { OciContainers } from "../oci-containers.ts";
import { statsDocument } from "../stats-document.ts";
import type { Verb } from "../verb.ts";

const DEFAULT_INTERVAL = "5s";

export const eventsVerb: Verb = {
  name: "events",
  usage: "CONTAINER",
  description: `Shows, one JSON object a line, what a container uses, and when the kernel killed a process of it
for lack of memory, until the container has stopped.`,
  flags: [
    { name: "stats", kind: "switch", help: "Show what it uses now, once" },
    { name: "interval", kind: "duration", value: "DURATION", help: "Time between two readings, as 5s or 100ms (5s)" },
  ],
  words: [1, 1],
  async run({ call, given, containers }) {
    // Whoever called waits since its process began.
    const beganMs = isOwnCall(call) ? 0 : performance.now();
    const id = containerId(given);
    const intervalMs = parseDuration(given.text("interval") ?? DEFAULT_INTERVAL) ?? 0;
    if (intervalMs <= 0) {
      throw new OrlopError("invalid", "duration interval must be greater than 0", { operation: "read command line" });
    }
    const all = await containers();
    if ((await all.state(id)).status === "stopped") {
      throw new OrlopError("conflict", `container with id ${id} is not running (container not running)`);
    }
    if (given.isOn("stats")) call.print(line(statsEvent(id, await all.stats(id))));
    else await follow(call, all, id, { intervalMs, beganMs });
    return 0;
  },
};

/** How often a container is looked at between two readings. */
const LOOK_MS = 250;

interface Rhythm {
  readonly intervalMs: number;
  /** On this process's clock: when the first interval begins. */
  readonly beganMs: number;
}

/** Until the container has stopped, or nobody is left to hear of it. */
async function follow(call: Call, all: OciContainers, id: string, { intervalMs, beganMs }: Rhythm): Promise<void> {
  const first = await statsOfRunning(all, id);
  if (first === undefined) return;
  let kills = outOfMemoryKills(first);
  let nextMs = Math.max(performance.now(), beganMs + intervalMs);
  while (call.hands.alive) {
    await setTimeout(Math.max(0, Math.min(LOOK_MS, nextMs - performance.now())));
    const stats = await statsOfRunning(all, id);
    if (stats === undefined) return;
    const killsNow = outOfMemoryKills(stats);
    if (killsNow > kills && !(await call.show(line({ type: "oom", id })))) return;
    kills = killsNow;
    if (performance.now() < nextMs) continue;
    if (!(await call.show(line(statsEvent(id, stats))))) return;
    nextMs += intervalMs;
  }
}

/** Undefined once it has stopped or is deleted, also when that happens while it is read. */
async function statsOfRunning(all: OciContainers, id: string): Promise<CgroupStats | undefined> {
  if (!(await isThere(all, id))) return undefined;
  try {
    return await all.stats(id);
  } catch (error) {
    if (!(await isThere(all, id))) return undefined;
    throw error;
  }
}

async function isThere(all: OciContainers, id: string): Promise<boolean> {
  try {
    return (await all.state(id)).status !== "stopped";
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return false;
    throw error;
  }
}

function outOfMemoryKills({ memory }: CgroupStats): bigint {
  return memory?.events.oom_kill ?? 0n;
}

function line(event: object): string {
  return `${stringifyJson(event)}\n`;
}

function statsEvent(id: string, stats: CgroupStats): object {
  return { type: "stats", id, data: statsDocument(stats) };
}
