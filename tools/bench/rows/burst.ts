import { setTimeout as sleep } from "node:timers/promises";
import { findLeaks, type Leak, snapshotKernelState } from "@orlop/testkit";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { expectSuccess } from "../own-container.ts";
import { OURS, peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";
import { onTwoCores, twoCoresObstacle } from "../two-cores.ts";
import { unlessInterrupted } from "../unless-interrupted.ts";

const containerCount = 200;

/** A round is two hundred runs. */
const roundsMax = 5;

const settleTimeMaxMs = 3_000;

type Measure = "throughput";

async function runOne(place: BenchPlace): Promise<void> {
  const request = place.request(place.ending);
  await place.runtime.run(request);
  expectSuccess(request.id, await place.runtime.wait(request.id));
  await place.runtime.delete(request.id);
}

function ours(place: BenchPlace): Subject<Measure> {
  return {
    name: OURS,
    async once() {
      const start = performance.now();
      await Promise.all(Array.from({ length: containerCount }, () => runOne(place)));
      return { throughput: (containerCount * 1000) / (performance.now() - start) };
    },
  };
}

/** xargs starts them all at once, from a process as small as the timer; it fails when one of them does. */
function peerSubjects(place: BenchPlace): readonly Subject<Measure>[] {
  return place.peers
    .filter(({ name }) => name === "crun")
    .map((peer) => ({
      name: peer.name,
      async once() {
        const run = [...peer.command, "run", "--bundle", place.ending.path, `${place.newId()}-{}`].join(" ");
        const all = `seq 1 ${containerCount} | xargs -P ${containerCount} -I{} ${run}`;
        const { milliseconds } = await peer.time(["/bin/sh", "-c", all]);
        return { throughput: (containerCount * 1000) / milliseconds };
      },
    }));
}

/** The kernel finishes some things after the call that ends them: a process's exit, a cgroup's removal. */
async function leaksOf(place: BenchPlace, work: () => Promise<unknown>): Promise<readonly Leak[]> {
  const scope = { mark: place.mark, directories: [place.stateDirectory], keptDirectories: [place.ownStateDirectory] };
  const before = snapshotKernelState(scope);
  await work();
  const look = (): readonly Leak[] => findLeaks(before, snapshotKernelState(scope));
  let leaks = look();
  for (
    const start = performance.now();
    leaks.length > 0 && performance.now() - start < settleTimeMaxMs;
    leaks = look()
  ) {
    await sleep(10);
  }
  return leaks;
}

/** Two hundred containers started at once, on two cores: how fast, and what is left of them. */
export async function burstRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  const own = ours(place);
  return await onTwoCores([process.pid, place.zygotePid, place.timer.pid], async () => {
    // The first one makes what stays: memory of this process, descriptors of Node's.
    await unlessInterrupted(rounds.signal, own.once());
    const leaks = await leaksOf(place, () => unlessInterrupted(rounds.signal, own.once()));
    const count = Math.min(rounds.count, roundsMax);
    const series = await interleave([own, ...peerSubjects(place)], { ...rounds, count, warmUp: 0 });
    const note = twoCoresObstacle();
    return [
      ...peerRows(place, {
        name: "burst",
        what: `throughput of ${containerCount} containers started at once on two cores (more is better)`,
        unit: "containers/s",
        series,
        measure: "throughput",
        fold: median,
        ...(note === undefined ? {} : { note }),
      }).filter(({ peerName }) => peerName === "crun"),
      {
        name: "burst-leaks",
        what: `processes, namespaces, mounts, cgroups, descriptors and files left by ${containerCount} containers`,
        unit: "leaks",
        ours: leaks.length,
        goal: { of: "ours", max: 0 },
        note: leaks.length === 0 ? undefined : leaks.map(({ what }) => what).join("; "),
      },
    ];
  });
}
