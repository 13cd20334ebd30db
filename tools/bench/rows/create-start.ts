import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { expectSuccess } from "../own-container.ts";
import { OURS, peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";

type Measure = "create" | "start";

function ours(place: BenchPlace): Subject<Measure> {
  return {
    name: OURS,
    async once() {
      const request = place.request(place.ending);
      const begin = performance.now();
      await place.runtime.create(request);
      const created = performance.now();
      await place.runtime.start(request.id);
      const started = performance.now();
      expectSuccess(request.id, await place.runtime.wait(request.id));
      await place.runtime.delete(request.id);
      return { create: created - begin, start: started - created };
    },
  };
}

/** The two halves apart, as engines call them. */
export async function createStartRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  const peers = place.peers.map(
    (peer): Subject<Measure> => ({
      name: peer.name,
      async once() {
        const id = place.newId();
        const create = await peer.create(place.ending.path, id);
        const start = await peer.start(id);
        await peer.delete(id);
        return { create: create.milliseconds, start: start.milliseconds };
      },
    }),
  );
  const series = await interleave([ours(place), ...peers], rounds);
  const row = { unit: "ms", series, fold: median } as const;
  return [
    ...peerRows(place, { ...row, name: "create", what: "create of a container for `true`", measure: "create" }),
    ...peerRows(place, { ...row, name: "start", what: "start of the created container", measure: "start" }),
  ];
}
