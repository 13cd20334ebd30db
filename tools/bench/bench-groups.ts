import type { BenchPlace } from "./bench-place.ts";
import type { BenchRow } from "./bench-row.ts";
import type { Rounds } from "./interleave.ts";
import { burstRows } from "./rows/burst.ts";
import { commandRows } from "./rows/command.ts";
import { createStartRows } from "./rows/create-start.ts";
import { daemonRows } from "./rows/daemon.ts";
import { debianMinbaseRows } from "./rows/debian-minbase.ts";
import { execRows } from "./rows/exec.ts";
import { firstStartRows } from "./rows/first-start.ts";
import { idleMemoryRows } from "./rows/idle-memory.ts";
import { lifeCycleRows } from "./rows/life-cycle.ts";
import { logRows } from "./rows/log.ts";
import { manyRows } from "./rows/many.ts";
import { networkRows } from "./rows/network.ts";
import { ociClientRows } from "./rows/oci-clients.ts";
import { ociCommandRows } from "./rows/oci-command.ts";
import { ociFirstRows } from "./rows/oci-first.ts";
import { ociMemoryLimitRows } from "./rows/oci-memory-limit.ts";
import { pullRows } from "./rows/pull.ts";
import { sandboxRows } from "./rows/sandbox.ts";
import { sizeRows } from "./rows/size.ts";
import { zygoteStartRows } from "./rows/zygote-start.ts";

/** One measurement, which gives one row or some. */
export type BenchGroup =
  | { readonly name: string; readonly containers: true; measure(place: BenchPlace, rounds: Rounds): Promise<Rows> }
  | { readonly name: string; readonly containers: false; measure(root: string, rounds: Rounds): Promise<Rows> };

type Rows = readonly BenchRow[];

export const benchGroups: readonly BenchGroup[] = [
  { name: "life-cycle", containers: true, measure: lifeCycleRows },
  { name: "create-start", containers: true, measure: createStartRows },
  { name: "exec", containers: true, measure: execRows },
  { name: "idle-memory", containers: true, measure: idleMemoryRows },
  { name: "log", containers: true, measure: logRows },
  { name: "burst", containers: true, measure: burstRows },
  { name: "oci-command", containers: true, measure: ociCommandRows },
  { name: "oci-clients", containers: true, measure: ociClientRows },
  { name: "oci-memory-limit", containers: true, measure: ociMemoryLimitRows },
  { name: "oci-first", containers: true, measure: ociFirstRows },
  { name: "daemon", containers: true, measure: daemonRows },
  { name: "many", containers: true, measure: manyRows },
  { name: "command", containers: false, measure: commandRows },
  { name: "zygote-start", containers: false, measure: (_root, rounds) => zygoteStartRows(rounds) },
  { name: "network", containers: false, measure: (_root, rounds) => networkRows(rounds) },
  { name: "sandbox", containers: false, measure: (_root, rounds) => sandboxRows(rounds) },
  { name: "pull", containers: false, measure: pullRows },
  { name: "start-from-image", containers: false, measure: firstStartRows },
  { name: "debian-minbase", containers: false, measure: debianMinbaseRows },
  { name: "size", containers: false, measure: sizeRows },
];
