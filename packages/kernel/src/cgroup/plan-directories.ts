import type { CgroupPlace } from "./cgroup-path.ts";
import type { CgroupOperation, CgroupTolerance, InheritCgroupFile, WriteCgroupFile } from "./cgroup-plan.ts";
import { ancestry } from "./probe-delegation.ts";

const EXISTS: readonly CgroupTolerance[] = [
  { errno: "EEXIST", because: "another container or an administrator made it" },
];

/** What a version 2 hierarchy hands down to the container's cgroup. */
interface ControllerChain {
  /** The first directory on the way whose cgroup.subtree_control is the caller's to write. */
  readonly top: string;
  readonly wanted: readonly string[];
  /** Those of them without which a limit cannot be set. */
  readonly needed: ReadonlySet<string>;
}

/** The operations above the container's own cgroup: directories, version 1's cpusets, version 2's controllers. */
export function planAncestors(place: CgroupPlace, chain: ControllerChain, systemd: boolean): CgroupOperation[] {
  const parents = place.directories.slice(0, -1);
  if (systemd && place.hierarchy.name === "systemd") return [];
  if (place.hierarchy.version === 2) return planUnifiedAncestors(place, parents, chain);
  return parents.flatMap((directory, index) => [
    makeDirectory(directory, "ancestor", COLLECTS),
    ...inheritCpuset(place, directory, parents[index - 1] ?? place.base, "ancestor"),
  ]);
}

const COLLECTS = "Makes the cgroup that containers' cgroups are collected in";

function planUnifiedAncestors(
  place: CgroupPlace,
  parents: readonly string[],
  { top, wanted, needed }: ControllerChain,
): CgroupOperation[] {
  const way = ancestry(place.hierarchy.mountPoint, place.base);
  const ours = [...way, ...parents].filter((directory) => isWithin(directory, top));
  return [
    ...way
      .filter((directory) => ours.includes(directory))
      .flatMap((directory) => enableControllers(directory, wanted, needed)),
    ...parents.flatMap((directory) => [
      makeDirectory(directory, "ancestor", COLLECTS),
      ...(ours.includes(directory) ? enableControllers(directory, wanted, needed) : []),
    ]),
  ];
}

function isWithin(directory: string, top: string): boolean {
  return directory === top || directory.startsWith(`${top}/`);
}

/** The container's own cgroup; systemd makes those of its own hierarchies. */
export function planLeaves(place: CgroupPlace, systemd: boolean): CgroupOperation[] {
  const { hierarchy } = place;
  const leaf = place.directories.at(-1);
  if (leaf === undefined || (systemd && (hierarchy.name === "systemd" || hierarchy.version === 2))) return [];
  const what =
    hierarchy.version === 2
      ? "cgroup"
      : `cgroup of the ${hierarchy.name ?? hierarchy.controllers.join(" and ")} hierarchy`;
  return [makeDirectory(leaf, "leaf", `Makes the container's ${what}`)];
}

function makeDirectory(directory: string, stage: "ancestor" | "leaf", reason: string): CgroupOperation {
  return { kind: "mkdir", stage, directory, reason, field: "linux.cgroupsPath", tolerate: EXISTS };
}

/**
 * Version 1 makes a cpuset without CPUs and memory nodes, and lets no process in until it has both. What the
 * configuration does not say comes from the parent.
 */
export function inheritCpuset(
  place: CgroupPlace,
  directory: string,
  from: string,
  stage: "ancestor" | "leaf",
): InheritCgroupFile[] {
  const { hierarchy } = place;
  if (hierarchy.version === 2 || !hierarchy.controllers.includes("cpuset")) return [];
  return ["cpus", "mems"].map((kind) => ({
    kind: "inherit",
    stage,
    directory,
    from,
    file: hierarchy.noPrefix ? kind : `cpuset.${kind}`,
    reason: "A cpuset without CPUs or memory nodes takes no process (cgroup version 1)",
    field: undefined,
    tolerate: [],
  }));
}

/** What the kernel answers when a controller cannot be handed on from here. */
const CANNOT_ENABLE = ["EINVAL", "EBUSY", "ENOENT", "EOPNOTSUPP", "EPERM", "EACCES"];

/** Hands controllers on to the children: all in one write, and one by one where that fails. */
function enableControllers(
  directory: string,
  wanted: readonly string[],
  needed: ReadonlySet<string>,
): WriteCgroupFile[] {
  if (wanted.length === 0) return [];
  const write = (controllers: readonly string[], tolerate: readonly CgroupTolerance[]): WriteCgroupFile => ({
    kind: "write",
    stage: "ancestor",
    directory,
    file: "cgroup.subtree_control",
    value: controllers.map((controller) => `+${controller}`).join(" "),
    reason: "Hands these controllers on to the child cgroups",
    field: undefined,
    tolerate,
    fallback: undefined,
  });
  const because = "no limit of this container needs it, only its statistics will be missing";
  const optional = CANNOT_ENABLE.map((errno) => ({ errno, because }));
  return [
    {
      ...write(wanted, []),
      fallback: {
        when: CANNOT_ENABLE,
        because: "one controller that cannot be handed on must not keep the others back",
        operations: wanted.map((controller) => write([controller], needed.has(controller) ? [] : optional)),
      },
    },
  ];
}
