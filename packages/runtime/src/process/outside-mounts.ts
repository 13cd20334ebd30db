import { posix } from "node:path";
import { boundHierarchies } from "./cgroup-mount.ts";
import type { CreatePlan } from "./compilation.ts";
import { boundDevices } from "./devices.ts";
import { absoluteSource, plannedMounts } from "./mount-sources.ts";

/** A mount of a container that shows what lies outside of it: whoever dumps the container leaves it out. */
export interface OutsideMount {
  /** In the container, as the config has it: absolute, without `.`, `..` and a slash at the end. */
  readonly destination: string;
  /** On the host. */
  readonly source: string;
  /** With all that is mounted below the source. */
  readonly recursive: boolean;
}

/** Everything that a container may have from outside; of the masked paths only those that are files do. */
export function outsideMounts(plan: CreatePlan): readonly OutsideMount[] {
  const { linux } = plan.request.spec;
  const single = (destination: string, source: string): OutsideMount => ({
    destination: posix.resolve("/", destination),
    source,
    recursive: false,
  });
  return [
    ...plannedMounts({ plan })
      .filter(({ options, inside }) => options.bind !== "no" && options.remount === "no" && inside === undefined)
      .map(({ mount, options }) => ({
        destination: mount.destination,
        source: absoluteSource({ plan }, mount.source ?? ""),
        recursive: options.bind === "recursive",
      })),
    ...boundHierarchies(plan).map(({ destination, source }) => single(destination, source)),
    ...boundDevices(plan).map((path) => single(path, path)),
    ...(linux?.maskedPaths ?? []).map((path) => single(path, "/dev/null")),
  ];
}
