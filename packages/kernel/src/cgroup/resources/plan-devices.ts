import type { LinuxDeviceCgroup } from "@orlop/core";
import { compileDevicePolicy } from "../../bpf/device-filter.ts";
import { type CgroupOperation, directoryFor, unifiedDirectory } from "../cgroup-plan.ts";
import { DEFAULT_DEVICE_RULES } from "../default-device-rules.ts";
import { reduceDeviceRules } from "../device-policy.ts";
import type { DevicePolicy } from "../device-rule.ts";
import { type ResourceContext, refuse, resourceFieldName, resourceTarget, resourceWrite } from "./resource-context.ts";
import { transitionDevices } from "./transition-devices.ts";

/** The last rules that were reduced, and what came of them: most containers have the same. */
let last: { readonly key: string; readonly policy: DevicePolicy } | undefined;

/** The rules of the configuration and those that every container gets, reduced. */
export function containerDevicePolicy(rules: readonly LinuxDeviceCgroup[]): DevicePolicy {
  const key = JSON.stringify(rules);
  if (last?.key !== key) last = { key, policy: reduceRules(rules) };
  return last.policy;
}

function reduceRules(rules: readonly LinuxDeviceCgroup[]): DevicePolicy {
  const all = [...rules, ...DEFAULT_DEVICE_RULES];
  return reduceDeviceRules(all, (index) => resourceFieldName(index < rules.length ? `devices[${index}]` : "devices"));
}

const newLines = new WeakMap<DevicePolicy, ReturnType<typeof transitionDevices>>();

/** For a cgroup that is new. */
function linesOfNew(policy: DevicePolicy): ReturnType<typeof transitionDevices> {
  const known = newLines.get(policy) ?? transitionDevices(undefined, policy);
  newLines.set(policy, known);
  return known;
}

/**
 * Carries out `linux.resources.devices` (config-linux.md, "Allowed Device list"): lines for version 1's device
 * controller, an eBPF program for version 2, which has none.
 *
 * Throws OrlopError("unsupported") for a rule that cuts a hole into a wildcard on version 1, where the kernel
 * would ignore it.
 */
export function planDevices(rules: readonly LinuxDeviceCgroup[], context: ResourceContext): CgroupOperation[] {
  const policy = containerDevicePolicy(rules);
  const v1 = directoryFor(context.directories, "devices");
  if (v1 !== undefined) {
    const target = resourceTarget(context, "devices", "devices", rules);
    const present = context.purpose === "update" ? context.readCurrent(v1.path, "devices.list") : undefined;
    const lines = present === undefined ? linesOfNew(policy) : transitionDevices(present, policy);
    return lines.map(({ file, line, field, reason }) => resourceWrite(target, field, file, line, reason));
  }
  const v2 = unifiedDirectory(context.directories);
  if (v2 === undefined)
    throw refuse("unsupported", "devices", rules, "this machine has no cgroup hierarchy for devices");
  return [
    {
      kind: "attach-device-filter",
      stage: "leaf",
      directory: v2.path,
      program: compileDevicePolicy(policy),
      mode: context.purpose === "update" ? "replace" : "add",
      reason: "Lets the container open only the devices of its list",
      field: resourceFieldName("devices"),
      tolerate: [],
    },
  ];
}
