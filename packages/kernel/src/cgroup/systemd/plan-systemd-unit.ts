import type { LinuxResources } from "@orlop/core";
import { annotationProperties } from "./annotation-properties.ts";
import { type ResourcePropertyOptions, resourceProperties } from "./resource-properties.ts";
import { type SystemdProperty, systemdProperty } from "./systemd-property.ts";
import { type SystemdScope, unitNameOf } from "./systemd-unit-name.ts";
import { oomPolicyProperties } from "./unified-properties.ts";

/** A transient unit to be started. */
export interface SystemdUnit {
  readonly name: string;
  readonly properties: readonly SystemdProperty[];
}

interface SystemdUnitOptions extends ResourcePropertyOptions {
  readonly containerId: string;
  /** `org.systemd.property.*` among them are for systemd. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The transient unit of a container: a scope with its cgroup delegated, so that systemd leaves alone what is below
 * it, or the slice that the cgroup path names. Throws OrlopError("invalid") for names and annotations that cannot be.
 */
export function planSystemdUnit(
  scope: SystemdScope,
  resources: LinuxResources,
  options: SystemdUnitOptions,
): SystemdUnit {
  const name = unitNameOf(scope, "linux.cgroupsPath");
  const isSlice = name.endsWith(".slice");
  const place = isSlice
    ? [systemdProperty("Wants", "as", [scope.slice])]
    : [systemdProperty("Slice", "s", scope.slice), systemdProperty("Delegate", "b", true)];
  return {
    name,
    properties: [
      systemdProperty("Description", "s", `orlop container ${options.containerId}`),
      ...place,
      // Accounting on, for statistics and because a controller is hard to add to a cgroup with processes.
      systemdProperty("MemoryAccounting", "b", true),
      systemdProperty("CPUAccounting", "b", true),
      systemdProperty(options.cgroupVersion === 2 ? "IOAccounting" : "BlockIOAccounting", "b", true),
      systemdProperty("TasksAccounting", "b", true),
      // Without: the unit would not be stopped before, and not wait for, what a machine's shutdown stops.
      systemdProperty("DefaultDependencies", "b", false),
      ...annotationProperties(options.annotations),
      ...oomPolicyProperties(resources.unified, options.systemdVersion),
      ...resourceProperties(resources, options),
    ],
  };
}
