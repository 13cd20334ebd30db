import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type LinuxIntelRdt, OrlopError } from "@orlop/core";
import type { CgroupJoin, CgroupOperation, CgroupPlan } from "@orlop/kernel";
import { expectSchemata } from "./schemata.ts";

/** The groups of resctrl that a container's processes belong to. Plain JSON, kept with the container. */
export interface ResctrlGroup {
  /** The directory whose `schemata` holds for it. */
  readonly path: string;
  /** The directory that it is counted in, if that is its own. */
  readonly monitored?: string;
  /** Made for it: to be removed with it, in this order. */
  readonly remove: readonly string[];
}

/** What it takes for a container to be in its group. */
interface ResctrlPlan {
  readonly group: ResctrlGroup;
  readonly operations: readonly CgroupOperation[];
}

const FIELD = "linux.intelRdt";

/**
 * Plans the groups of a new container (config-linux.md, "IntelRdt"). Throws `unsupported` where `root`, the place that
 * resctrl is mounted at, is undefined, `not-found` for a class that has to be there, `conflict` for one that says
 * something else.
 */
export function planResctrl(id: string, asked: LinuxIntelRdt, root: string | undefined): ResctrlPlan {
  const { closID, enableMonitoring = false } = asked;
  if (root === undefined) {
    throw new OrlopError(
      "unsupported",
      'Cannot use resource director groups: resctrl is not mounted\nTry "mount -t resctrl resctrl /sys/fs/resctrl" where the processor has them.',
      { field: FIELD },
    );
  }
  const path = closID === "/" ? root : join(root, closID ?? id);
  const isThere = existsSync(path);
  const lines = schemataLines(asked);
  if (closID !== undefined) checkClass(path, isThere, asked, lines);
  const monitored = join(path, "mon_groups", id);
  const made = [...(isThere ? [] : [path]), ...(enableMonitoring ? [monitored] : [])];
  // A class is its administrator's, whoever made it; removing a group removes what is in it.
  const own = closID === undefined && !isThere ? [path] : enableMonitoring ? [monitored] : [];
  return {
    group: { path, ...(enableMonitoring ? { monitored } : {}), remove: own },
    operations: [...made.map(makeGroup), ...lines.map((line) => writeLine(path, line))],
  };
}

/** In the order that the specification wants. */
function schemataLines({ l3CacheSchema, memBwSchema, schemata = [] }: LinuxIntelRdt): readonly string[] {
  return [l3CacheSchema, memBwSchema, ...schemata].filter((line) => line !== undefined && line !== "") as string[];
}

function checkClass(path: string, isThere: boolean, asked: LinuxIntelRdt, lines: readonly string[]): void {
  const field = `${FIELD}.closID`;
  if (!isThere && lines.length > 0) return;
  if (!isThere) {
    throw new OrlopError("not-found", `Cannot use class "${path}": it does not exist, and no schemata say what it is`, {
      field,
    });
  }
  const { l3CacheSchema = "", memBwSchema = "" } = asked;
  const expected = [l3CacheSchema, memBwSchema].filter((line) => line !== "");
  if (expected.length > 0) expectSchemata(path, readFileSync(join(path, "schemata"), "utf8"), expected);
}

function makeGroup(directory: string): CgroupOperation {
  return {
    kind: "mkdir",
    stage: "leaf",
    directory,
    reason: "the container's processes are its tasks",
    field: FIELD,
    tolerate: [{ errno: "EEXIST", because: "another container of the class made it" }],
  };
}

function writeLine(directory: string, line: string): CgroupOperation {
  return {
    kind: "write",
    stage: "leaf",
    directory,
    file: "schemata",
    value: `${line}\n`,
    reason: "what its tasks may have of caches and bandwidth",
    field: FIELD,
    tolerate: [],
    fallback: undefined,
  };
}

/** How processes get in: those of the container, and execs. */
export function resctrlJoins(group: ResctrlGroup | undefined): readonly CgroupJoin[] {
  if (group === undefined) return [];
  const { path, monitored } = group;
  const directories = monitored === undefined ? [path] : [path, monitored];
  return directories.map((directory) => ({
    directory,
    file: "tasks",
    reason: "it is to be a task of this group",
    field: FIELD,
  }));
}

/** With the groups made, entered and removed together with the cgroups. */
export function withResctrl(cgroup: CgroupPlan, resctrl: ResctrlPlan | undefined): CgroupPlan {
  if (resctrl === undefined) return cgroup;
  return {
    ...cgroup,
    operations: [...cgroup.operations, ...resctrl.operations],
    join: [...cgroup.join, ...resctrlJoins(resctrl.group)],
    remove: [...cgroup.remove, ...resctrl.group.remove],
  };
}
