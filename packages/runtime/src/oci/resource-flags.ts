import { decodeLinuxResources, type LinuxResources, OrlopError, stringifyJson } from "@orlop/core";
import { parseByteSize } from "./arguments/byte-size.ts";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";

type Group = "cpu" | "memory" | "pids" | "blockIO";

/** A flag with its place in the resources of a config. */
interface ResourceFlag extends Flag {
  readonly group: Group;
  readonly member: string;
  readonly unit: "count" | "bytes" | "list";
}

/** Limits that `update` takes one by one. The hidden ones are obsolete in the kernel as well. */
export const RESOURCE_FLAGS: readonly ResourceFlag[] = [
  flag("cpu-share", "cpu", "shares", "count", "N", "Weight against other containers, 2 to 262144"),
  flag("cpu-period", "cpu", "period", "count", "MICROSECONDS", "Length of a period"),
  flag("cpu-quota", "cpu", "quota", "count", "MICROSECONDS", "CPU time in a period, -1 for no limit"),
  flag("cpu-burst", "cpu", "burst", "count", "MICROSECONDS", "CPU time that may be saved up"),
  flag("cpu-rt-period", "cpu", "realtimePeriod", "count", "MICROSECONDS", "Period of real-time processes"),
  flag("cpu-rt-runtime", "cpu", "realtimeRuntime", "count", "MICROSECONDS", "CPU time of real-time processes in it"),
  flag("cpu-idle", "cpu", "idle", "count", "0|1", "1 to get the CPU only when nobody else wants it"),
  flag("cpuset-cpus", "cpu", "cpus", "list", "LIST", "CPUs to run on, as 0-3,7"),
  flag("cpuset-mems", "cpu", "mems", "list", "LIST", "Memory nodes to use"),
  flag("memory", "memory", "limit", "bytes", "BYTES", "Memory, as 67108864 or 64m, -1 for no limit"),
  flag("memory-reservation", "memory", "reservation", "bytes", "BYTES", "Memory that is taken back last"),
  flag("memory-swap", "memory", "swap", "bytes", "BYTES", "Memory and swap together, -1 for no limit"),
  { ...flag("kernel-memory", "memory", "kernel", "bytes", "BYTES", "Obsolete"), hidden: true },
  { ...flag("kernel-memory-tcp", "memory", "kernelTCP", "bytes", "BYTES", "Obsolete"), hidden: true },
  flag("pids-limit", "pids", "limit", "count", "N", "Processes and threads, -1 for no limit"),
  flag("blkio-weight", "blockIO", "weight", "count", "N", "Weight of block I/O, 10 to 1000"),
];

/** The resources that the flags ask for. @throws OrlopError `invalid` */
export function flagResources(given: GivenArguments): LinuxResources {
  const groups: Partial<Record<Group, Record<string, unknown>>> = {};
  for (const { name, group, member, unit } of RESOURCE_FLAGS) {
    const text = given.filledText(name);
    if (text === undefined) continue;
    groups[group] = { ...groups[group], [member]: unit === "list" ? text : numberOf(name, text, unit) };
  }
  return decodeLinuxResources(stringifyJson(groups));
}

function numberOf(name: string, text: string, unit: "count" | "bytes"): unknown {
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text) : unit === "bytes" ? parseByteSize(text) : undefined;
  if (value !== undefined) return value;
  throw new OrlopError(
    "invalid",
    `invalid value for ${name}: ${JSON.stringify(text)} is no ${unit === "bytes" ? "size" : "number"}`,
    {
      operation: "read command line",
    },
  );
}

function flag(
  name: string,
  group: Group,
  member: string,
  unit: ResourceFlag["unit"],
  value: string,
  help: string,
): ResourceFlag {
  return { name, kind: "text", group, member, unit, value, help };
}
