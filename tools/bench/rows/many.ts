import { execFile } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import type { TimedCommand } from "../command-timer.ts";
import { cpuTimeOf } from "../cpu-time.ts";
import { OwnDaemon } from "../own-daemon.ts";
import { processMemory } from "../process-memory.ts";
import { median } from "../statistics.ts";

/** Issue "The engine, the command line and the SDK", "Speed and size". */
const CONTAINERS = 1000;
const GOALS = { listMs: 20, memoryKb: 100 } as const;
/** So many are made at once. */
const MAKERS = 4;
const LISTS = { warmUp: 5, count: 10 } as const;
/** What the making has left to do is done by then: V8 gives memory back some thirty seconds after the last call. */
const SETTLE_MS = 45_000;
/** So long nobody does anything. */
const IDLE_MS = 10_000;

/** A thousand containers that do nothing and keep their output, with a daemon there: what they take, and how long a list takes. */
export async function manyRows(place: BenchPlace): Promise<readonly BenchRow[]> {
  await using daemon = await OwnDaemon.start(join(place.stateDirectory, "many"));
  const before = new Set(machines());
  const image = `dir:${place.ending.spec.root.path}`;
  const names = Array.from({ length: CONTAINERS }, () => place.newId());
  try {
    const left = [...names];
    const make = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        await succeed(daemon.call("run", "-d", "--name", name, "--network=none", image, "sleep", "10000"));
      }
    };
    await Promise.all(Array.from({ length: MAKERS }, make));
    const beside = machines().filter((pid) => !before.has(pid));
    const memoryKb = beside.reduce((sum, pid) => sum + processMemory(pid).proportional, 0) / CONTAINERS;
    const cpuMs = await cpuWhileIdle([daemon.pid, ...beside]);
    const lists: number[] = [];
    for (let round = 0; round < LISTS.warmUp + LISTS.count; round++) {
      const { milliseconds } = await place.timer.run(daemon.call("ps", "-a"));
      if (round >= LISTS.warmUp) lists.push(milliseconds);
    }
    return rows({ memoryKb, cpuMs, listMs: median(lists), processes: beside.length });
  } finally {
    await succeed(daemon.call("rm", "-f", ...names));
  }
}

interface Figures {
  readonly memoryKb: number;
  readonly cpuMs: number;
  readonly listMs: number;
  readonly processes: number;
}

function rows({ memoryKb, cpuMs, listMs, processes }: Figures): readonly BenchRow[] {
  const each = `${(processes / CONTAINERS).toFixed(1)} processes each`;
  return [
    {
      name: "many-list",
      what: `\`ps -a\` of ${CONTAINERS} running containers, as a whole command with a daemon there`,
      unit: "ms",
      ours: listMs,
      goal: { of: "ours", max: GOALS.listMs },
    },
    {
      name: "many-memory",
      what: `memory of what is ours beside each of ${CONTAINERS} idle containers with logs, without the daemon (proportional; ${each})`,
      unit: "kB",
      ours: memoryKb,
      goal: { of: "ours", max: GOALS.memoryKb },
    },
    {
      name: "many-idle-cpu",
      what: `processor time of all that and of the daemon in ${IDLE_MS / 1000} s in which nobody does anything`,
      unit: "ms",
      ours: cpuMs,
    },
  ];
}

/** Processes that execute the machine: reapers, log pumps, zygotes, and the init of containers that have one. */
function machines(): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return /machine|memfd:/.test(readlinkSync(`/proc/${name}/exe`)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function cpuWhileIdle(pids: readonly number[]): Promise<number> {
  const taken = (): number => pids.reduce((sum, pid) => sum + cpuTimeOf(pid), 0);
  await sleep(SETTLE_MS);
  const before = taken();
  await sleep(IDLE_MS);
  return taken() - before;
}

async function succeed({ argv: [file, ...args], env }: TimedCommand): Promise<void> {
  try {
    await promisify(execFile)(file, args, env === undefined ? {} : { env });
  } catch (error) {
    throw new OrlopError("failed", `Cannot measure "${args.slice(0, 3).join(" ")}"`, { cause: error });
  }
}
