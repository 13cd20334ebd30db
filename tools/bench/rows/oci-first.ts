import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { OwnCommand } from "../own-command.ts";
import { OURS, peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";

/** Starts of Node, two in each. */
const roundsMax = 20;

/** A call that finds nobody: Node makes the container, and starts the resident process for the next call. */
export async function ociFirstRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  await using own = await OwnCommand.open(place, 0);
  const { path } = place.ending;
  const ours: Subject<"first"> = {
    name: OURS,
    async once() {
      await own.endResident();
      const { milliseconds } = await own.peer.run(path, place.newId());
      await own.untilResident();
      return { first: milliseconds };
    },
  };
  const peers = place.peers.map(
    (peer): Subject<"first"> => ({
      name: peer.name,
      once: async () => ({ first: (await peer.run(path, place.newId())).milliseconds }),
    }),
  );
  const series = await interleave([ours, ...peers], { ...rounds, count: Math.min(rounds.count, roundsMax) });
  const what = "`orlop-oci run` of `true` when no resident process is there; the peer's `run`";
  return peerRows(place, { name: "oci-first", what, unit: "ms", series, measure: "first", fold: median });
}
