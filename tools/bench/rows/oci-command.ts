import type { BenchPlace } from "../bench-place.ts";
import type { BenchGoal, BenchRow } from "../bench-row.ts";
import { interleave, type Rounds, type Subject } from "../interleave.ts";
import type { OciPeer } from "../oci-peer.ts";
import { OwnCommand } from "../own-command.ts";
import { peerRows } from "../peer-rows.ts";
import { median } from "../statistics.ts";

/** Issue "The OCI runtime, complete", "Speed and size". */
const RATIO_MAX = 0.8;

/**
 * So many times as many rounds as of other rows: crun's `exec` takes one of two times, by what the kernel has left to do of the
 * calls before, and the median of a few rounds is now this one and now that.
 */
const roundsFactor = 5;

/** As many as the process behind the rows "in process" has made. */
const callsBefore = 100;

type Measure = "run" | "memory" | "lifeCycle" | "create" | "start" | "delete" | "exec";

/** All that is measured of one runtime, one after the other. */
function subject(place: BenchPlace, peer: OciPeer, idle: string): Subject<Measure> {
  const { path } = place.ending;
  return {
    name: peer.name,
    async once() {
      const run = await peer.run(path, place.newId());
      const id = place.newId();
      const create = await peer.create(path, id);
      const start = await peer.start(id);
      const deletion = await peer.delete(id);
      const exec = await peer.exec(idle, "true");
      return {
        run: run.milliseconds,
        memory: run.memoryKb,
        create: create.milliseconds,
        start: start.milliseconds,
        delete: deletion.milliseconds,
        lifeCycle: create.milliseconds + start.milliseconds + deletion.milliseconds,
        exec: exec.milliseconds,
      };
    },
  };
}

async function idleSubject(place: BenchPlace, peer: OciPeer): Promise<Subject<Measure>> {
  const idle = place.newId();
  await peer.create(place.idling.path, idle);
  await peer.start(idle);
  return subject(place, peer, idle);
}

/** The command `orlop-oci` beside the commands that it stands in for, all of them as their callers call them. */
export async function ociCommandRows(place: BenchPlace, rounds: Rounds): Promise<readonly BenchRow[]> {
  await using own = await OwnCommand.open(place, callsBefore);
  const subjects: Subject<Measure>[] = [];
  for (const peer of [own.peer, ...place.peers]) subjects.push(await idleSubject(place, peer));
  const series = await interleave(subjects, { ...rounds, count: rounds.count * roundsFactor });
  const crun: Readonly<Record<string, BenchGoal>> = { crun: { of: "ratio", max: RATIO_MAX } };
  const time = { unit: "ms", series, fold: median } as const;
  return [
    ...peerRows(place, { ...time, name: "oci-run", what: "`run` of `true`", measure: "run", goals: crun }),
    ...peerRows(place, {
      ...time,
      name: "oci-life-cycle",
      what: "`create`, `start` and `delete`, one after the other",
      measure: "lifeCycle",
      goals: crun,
    }),
    ...peerRows(place, { ...time, name: "oci-create", what: "`create` alone", measure: "create" }),
    ...peerRows(place, { ...time, name: "oci-start", what: "`start` alone", measure: "start" }),
    ...peerRows(place, { ...time, name: "oci-delete", what: "`delete --force` alone", measure: "delete" }),
    ...peerRows(place, {
      ...time,
      name: "oci-exec",
      what: "`exec` of `true`, as all of these in five times as many rounds",
      measure: "exec",
      goals: crun,
    }),
    ...peerRows(place, {
      name: "oci-memory",
      what: "the most memory that a process of `run` has at a time (the resident process is not one of the call's)",
      unit: "kB",
      series,
      measure: "memory",
      fold: median,
      goals: { crun: { of: "ratio", max: 1 } },
    }),
  ];
}
