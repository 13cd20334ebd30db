import { join } from "node:path";
import { limitedBundle } from "../bench-bundles.ts";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import type { OciPeer } from "../oci-peer.ts";
import { OwnCommand } from "../own-command.ts";
import { peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";

/** In kB. A limit of nothing is refused, and with the upper one everybody works. */
const LIMITS = { low: 0, high: 65_536, step: 64 } as const;

/** Some ten runs each. */
const roundsMax = 5;

async function runsWithin(place: BenchPlace, peer: OciPeer, limitKb: number): Promise<boolean> {
  const id = place.newId();
  const { path } = limitedBundle(join(place.stateDirectory, `limited-${id}`), place.ending, limitKb * 1024);
  const { exitCode } = await peer.try([...peer.command, "run", "--bundle", path, id]);
  await peer.deleteAll();
  return exitCode === 0;
}

/** By halves: what works with a limit works with more. */
async function smallestLimit(place: BenchPlace, peer: OciPeer): Promise<number> {
  let { low, high }: { low: number; high: number } = LIMITS;
  while (high - low > LIMITS.step) {
    const middle = (low + high) / 2;
    if (await runsWithin(place, peer, middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** What the runtime does inside the container's cgroup counts against the container's limit. */
export async function ociMemoryLimitRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  await using own = await OwnCommand.open(place, 0);
  const subjects = [own.peer, ...place.peers].map(
    (peer): Subject<"limit"> => ({ name: peer.name, once: async () => ({ limit: await smallestLimit(place, peer) }) }),
  );
  const series = await interleave(subjects, { ...rounds, count: Math.min(rounds.count, roundsMax), warmUp: 0 });
  return peerRows(place, {
    name: "oci-memory-limit",
    what: "the smallest `linux.resources.memory.limit` with which `run` of `true` works",
    unit: "kB",
    series,
    measure: "limit",
    fold: median,
    goals: { crun: { of: "ratio", max: 1 } },
  });
}
