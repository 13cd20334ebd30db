import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../steps/find-program.ts";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { startConmon } from "../conmon.ts";
import { startIdle } from "../own-container.ts";
import { type ProcessMemory, parentOf, processMemory } from "../process-memory.ts";
import { median } from "../statistics.ts";

/** The 0.1 MB. */
const IDLE_MAX_KB = 100;

/** Enough that what all of them share is divided as on a machine that runs some. */
const containerCount = 10;

interface Beside extends ProcessMemory {
  /** Files in memory, in kB; a small one takes a page. */
  readonly files: number;
}

function filesBelow(directory: string): number {
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).blocks / 2);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The reaper, which is init's parent, and the container's state directory: nothing else of ours stays. */
async function besideOurs(place: BenchPlace): Promise<readonly Beside[]> {
  const containers = [];
  for (let index = 0; index < containerCount; index++) containers.push(await startIdle(place));
  const found = containers.map(({ id, pid }) => ({
    ...processMemory(parentOf(pid)),
    files: filesBelow(join(place.ownStateDirectory, id)),
  }));
  for (const { id } of containers) await place.runtime.delete(id, { force: true });
  return found;
}

/** conmon, which podman and CRI-O leave beside each container, started as they start it. */
async function besideConmon(place: BenchPlace, conmon: string): Promise<readonly ProcessMemory[]> {
  const [runtime] = place.peers;
  if (runtime === undefined) return [];
  const monitors: { readonly id: string; readonly pid: number }[] = [];
  for (let index = 0; index < containerCount; index++) {
    const { id, pid } = await startConmon(place, { conmon, runtime, bundle: place.idling.path, log: "null:" });
    await runtime.start(id);
    monitors.push({ id, pid });
  }
  const found = monitors.map(({ pid }) => processMemory(pid));
  for (const { id } of monitors) await runtime.delete(id);
  return found;
}

/** What stays in memory for a container that does nothing, the container itself left out. */
export async function idleMemoryRows(place: BenchPlace): Promise<readonly BenchRow[]> {
  const ours = await besideOurs(place);
  const conmon = findProgram("conmon");
  const peers = conmon === undefined ? [] : await besideConmon(place, conmon);
  const peer = (measure: keyof ProcessMemory): Partial<BenchRow> =>
    peers.length === 0 ? {} : { peerName: "conmon", peer: median(peers.map((each) => each[measure])) };
  return [
    {
      name: "idle-memory",
      what: "memory beside an idle container: the reaper (proportional) and its files; the peer's process",
      unit: "kB",
      ours: median(ours.map(({ proportional, files }) => proportional + files)),
      goal: { of: "ours", max: IDLE_MAX_KB },
      ...peer("proportional"),
    },
    {
      name: "idle-page-tables",
      what: "page tables of the same; the kernel's stack of a process comes on top (16 kB on x86-64 and arm64)",
      unit: "kB",
      ours: median(ours.map(({ pageTables }) => pageTables)),
      ...peer("pageTables"),
    },
  ];
}
