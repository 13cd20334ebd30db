import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { cpuTimeWith } from "../cpu-time.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { expectSuccess } from "../own-container.ts";
import { OURS, peerRows } from "../peer-rows.ts";
import { mean, median } from "../statistics.ts";

/** Issue "First light", "Speed and size". */
const RATIO_MAX = 0.3;

type Measure = "time" | "cpu";

/** Ours in this process, through a zygote that is there already. */
function ours(place: BenchPlace): Subject<Measure> {
  return {
    name: OURS,
    async once() {
      const request = place.request(place.ending);
      const cpu = cpuTimeWith(place.zygotePid);
      const start = performance.now();
      await place.runtime.run(request);
      const status = await place.runtime.wait(request.id);
      await place.runtime.delete(request.id);
      const time = performance.now() - start;
      expectSuccess(request.id, status);
      return { time, cpu: cpuTimeWith(place.zygotePid) - cpu };
    },
  };
}

/** From nothing to nothing: create, start, wait for `true`, delete. */
export async function lifeCycleRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  const peers = place.peers.map(
    (peer): Subject<Measure> => ({
      name: peer.name,
      async once() {
        const timing = await peer.run(place.ending.path, place.newId());
        return { time: timing.milliseconds, cpu: timing.cpuMilliseconds };
      },
    }),
  );
  const series = await interleave([ours(place), ...peers], rounds);
  return [
    ...peerRows(place, {
      name: "life-cycle",
      what: "create, start, wait and delete of `true`, in process; the peer's `run`",
      unit: "ms",
      series,
      measure: "time",
      fold: median,
      goals: { crun: { of: "ratio", max: RATIO_MAX } },
    }),
    ...peerRows(place, {
      name: "life-cycle-cpu",
      what: "processor time of the same, of every process that takes part",
      unit: "ms",
      series,
      measure: "cpu",
      fold: mean,
    }),
  ];
}
