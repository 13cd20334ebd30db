import { OrlopError } from "@orlop/core";
import type { BenchPlace } from "../bench-place.ts";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import { expectSuccess, startIdle } from "../own-container.ts";
import { OURS, peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";

async function ours(place: BenchPlace): Promise<Subject<"exec">> {
  const { id } = await startIdle(place);
  const { process } = place.ending.spec;
  if (process === undefined) throw new OrlopError("internal", "Cannot measure exec: the bundle has no process");
  let execs = 0;
  return {
    name: OURS,
    async once() {
      const execId = `exec-${++execs}`;
      const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
      const start = performance.now();
      await place.runtime.exec({ id, execId, process, stdio });
      const status = await place.runtime.wait(id, { execId });
      const exec = performance.now() - start;
      expectSuccess(`${id}/${execId}`, status);
      return { exec };
    },
  };
}

/** One more process in a container that runs, with the container's own capabilities and filter. */
export async function execRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  const subjects = [await ours(place)];
  for (const peer of place.peers) {
    const id = place.newId();
    await peer.create(place.idling.path, id);
    await peer.start(id);
    subjects.push({ name: peer.name, once: async () => ({ exec: (await peer.exec(id, "true")).milliseconds }) });
  }
  const series = await interleave(subjects, rounds);
  const what = "exec of `true` in a running container, and its wait";
  return peerRows(place, { name: "exec", what, unit: "ms", series, measure: "exec", fold: median });
}
