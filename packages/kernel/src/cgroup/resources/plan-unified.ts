import { unifiedDirectory, type WriteCgroupFile } from "../cgroup-plan.ts";
import { type ResourceContext, refuse, resourceWrite } from "./resource-context.ts";

/** Files that move processes or hand out controllers: those are the runtime's to decide. */
const NOT_SETTINGS = new Set([
  "cgroup.procs",
  "cgroup.threads",
  "cgroup.type",
  "cgroup.subtree_control",
  "cgroup.kill",
  "cgroup.freeze",
]);

/**
 * Carries out `linux.resources.unified` (config-linux.md, "Unified"): each line of each value is one write. Keys
 * that we do not know are written as well.
 */
export function planUnified(unified: Readonly<Record<string, string>>, context: ResourceContext): WriteCgroupFile[] {
  return Object.entries(unified).flatMap(([key, value]) => planKey(key, value, context));
}

function planKey(key: string, value: string, context: ResourceContext): WriteCgroupFile[] {
  const field = `unified.${key}`;
  const controller = /^([a-z0-9_]+)\.[^/]+$/.exec(key)?.[1];
  if (controller === undefined) throw refuse("invalid", field, value, 'a key is a file name such as "memory.high"');
  if (NOT_SETTINGS.has(key))
    throw refuse("invalid", field, value, "that file is the runtime's to write, it is no setting");
  const directory = unifiedDirectory(context.directories);
  if (directory === undefined) {
    throw refuse(
      "unsupported",
      field,
      value,
      "this machine has no cgroup version 2 hierarchy, whose files the keys are",
    );
  }
  if (controller !== "cgroup" && !directory.controllers.includes(controller)) {
    throw refuse("unsupported", field, value, `the controller ${controller} is not available in version 2 here`);
  }
  const denied = context.denied.get(controller === "io" ? "blkio" : controller);
  if (denied !== undefined && controller !== "cgroup") throw refuse("denied", field, value, denied);
  const target = { version: 2, directory } as const;
  return value
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => resourceWrite(target, field, key, line, "Sets a file of cgroup version 2 directly"));
}
