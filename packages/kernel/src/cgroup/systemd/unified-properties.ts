import { refuse } from "../resources/resource-context.ts";
import {
  cpusetProperties,
  quotaProperties,
  type ResourcePropertyOptions,
  SYSTEMD_SINCE,
  tasksMax,
} from "./resource-properties.ts";
import { SYSTEMD_INFINITY, type SystemdProperty, systemdProperty } from "./systemd-property.ts";

const BYTE_LIMITS: Readonly<Record<string, string>> = {
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.max": "MemoryMax",
  "memory.swap.max": "MemorySwapMax",
};

/** The keys of `linux.resources.unified` that systemd has properties for; the others are in the files only. */
export function unifiedProperties(
  unified: Readonly<Record<string, string>>,
  options: ResourcePropertyOptions,
): SystemdProperty[] {
  return Object.entries(unified).flatMap(([key, text]) => keyProperties(key, text.trim(), unified, options));
}

function keyProperties(
  key: string,
  value: string,
  unified: Readonly<Record<string, string>>,
  options: ResourcePropertyOptions,
): SystemdProperty[] {
  const field = `unified.${key}`;
  const bytes = BYTE_LIMITS[key];
  if (bytes !== undefined) return [systemdProperty(bytes, "t", limit(value, field))];
  switch (key) {
    case "cpu.idle":
      return isIdle(unified, options) ? [systemdProperty("CPUWeight", "t", 0n)] : [];
    case "cpu.weight":
      return isIdle(unified, options) ? [] : [systemdProperty("CPUWeight", "t", number(value, field))];
    case "cpu.max": {
      const [quota, period, ...rest] = value.split(/\s+/);
      if (quota === undefined || rest.length > 0)
        throw refuse("invalid", field, value, 'it is "quota" or "quota period"');
      const time = quota === "max" ? -1n : number(quota, field);
      return quotaProperties(time, period === undefined ? undefined : number(period, field), options);
    }
    case "cpuset.cpus":
      return cpusetProperties("AllowedCPUs", field, value, options);
    case "cpuset.mems":
      return cpusetProperties("AllowedMemoryNodes", field, value, options);
    case "pids.max":
      return [systemdProperty("TasksMax", "t", tasksMax(value === "max" ? -1 : number(value, field)))];
    default:
      return [];
  }
}

/**
 * `memory.oom.group` as OOMPolicy, which systemd takes at a unit's start only. Since 253 scopes have one, and
 * without it systemd would stop the whole scope at the first kill.
 */
export function oomPolicyProperties(
  unified: Readonly<Record<string, string>> | undefined,
  systemdVersion: number,
): SystemdProperty[] {
  const value = unified?.["memory.oom.group"]?.trim();
  if (value === undefined || systemdVersion < SYSTEMD_SINCE.oomPolicy) return [];
  if (value !== "0" && value !== "1") throw refuse("invalid", "unified.memory.oom.group", value, "it is 0 or 1");
  return [systemdProperty("OOMPolicy", "s", value === "1" ? "kill" : "continue")];
}

function isIdle(unified: Readonly<Record<string, string>>, { systemdVersion }: ResourcePropertyOptions): boolean {
  return unified["cpu.idle"]?.trim() === "1" && systemdVersion >= SYSTEMD_SINCE.idleWeight;
}

function limit(value: string, field: string): bigint {
  return value === "max" ? SYSTEMD_INFINITY : number(value, field);
}

function number(value: string, field: string): bigint {
  if (!/^\d{1,19}$/.test(value)) throw refuse("invalid", field, value, 'it is a number, or "max"');
  return BigInt(value);
}
