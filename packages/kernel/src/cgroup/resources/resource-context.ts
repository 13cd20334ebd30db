import { OrlopError } from "@orlop/core";
import {
  type CgroupDirectory,
  type CgroupFallback,
  type CgroupTolerance,
  directoryFor,
  type WriteCgroupFile,
} from "../cgroup-plan.ts";
import { RESOURCE_CONVERSIONS, type ResourceField } from "./resource-conversions.ts";

/** What the translation of `linux.resources` needs to know about its surroundings. */
export interface ResourceContext {
  /**
   * `create`: the cgroup is new, so every limit has its default and one order of writes is always right.
   * `update`: the old values may rule an order out, so dependent values are tried in both.
   */
  readonly purpose: "create" | "update";
  readonly directories: readonly CgroupDirectory[];
  /** Controllers that exist and that this user may not use, by version 1 name, with the reason. */
  readonly denied: ReadonlyMap<string, string>;
  /** What is the case when a controller is nowhere; completed by `the <name> controller`. */
  readonly absent: string;
  /** Reads a file of the cgroup during an update; undefined: it is not there. */
  readonly readCurrent: (directory: string, file: string) => string | undefined;
}

/** The cgroup in which a field is carried out. */
export interface ResourceTarget {
  readonly version: 1 | 2;
  readonly directory: CgroupDirectory;
}

/** The full name of a field: `linux.resources.memory.limit`. */
export function resourceFieldName(field: string): string {
  return `linux.resources.${field}`;
}

/**
 * Where a field is carried out. Throws OrlopError("unsupported") when this machine has no such controller or
 * the controller's version cannot do it, OrlopError("denied") when the user may not.
 */
export function resourceTarget(
  context: ResourceContext,
  controller: string,
  field: ResourceField,
  value: unknown,
): ResourceTarget {
  const denied = context.denied.get(controller);
  if (denied !== undefined) throw refuse("denied", field, value, denied);
  const directory = directoryFor(context.directories, controller);
  if (directory === undefined) {
    const unified = context.directories.some((candidate) => candidate.version === 2);
    const inV2 = RESOURCE_CONVERSIONS[field].v2;
    if (unified && "refused" in inV2) throw refuse("unsupported", field, value, inV2.refused);
    throw refuse("unsupported", field, value, `${context.absent} the ${controller} controller`);
  }
  const conversion = directory.version === 1 ? RESOURCE_CONVERSIONS[field].v1 : RESOURCE_CONVERSIONS[field].v2;
  if ("refused" in conversion) throw refuse("unsupported", field, value, conversion.refused);
  return { version: directory.version, directory };
}

/** The error for a field that cannot be carried out; `field` may carry an index, as `blockIO.weightDevice[0]`. */
export function refuse(
  code: "invalid" | "unsupported" | "denied",
  field: string,
  value: unknown,
  what: string,
): OrlopError {
  const name = resourceFieldName(field);
  return new OrlopError(code, `Cannot apply ${name} ${printable(value)}: ${what}`, {
    operation: "plan cgroup",
    field: name,
  });
}

/** In quotes, on one line; 64-bit numbers are not JSON's. */
function printable(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return `"${value}"`;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}` : part));
}

interface ResourceWriteOptions {
  readonly tolerate?: readonly CgroupTolerance[];
  readonly fallback?: CgroupFallback | undefined;
}

/** A write to a file of the container's own cgroup. */
export function resourceWrite(
  target: ResourceTarget,
  field: string,
  file: string,
  value: string,
  reason: string,
  options: ResourceWriteOptions = {},
): WriteCgroupFile {
  return {
    kind: "write",
    stage: "leaf",
    directory: target.directory.path,
    file,
    value,
    reason,
    field: resourceFieldName(field),
    tolerate: options.tolerate ?? [],
    fallback: options.fallback,
  };
}

/** Whether a value asks for something: absent and, as in runc, 0 do not. */
export function isSet<T extends number | bigint>(value: T | undefined): value is T {
  return value !== undefined && value !== 0 && value !== 0n;
}

/** Tolerances for a value that is written once more after the one it depends on. */
export function retriedLater(other: string): CgroupTolerance[] {
  return [{ errno: "EINVAL", because: `it may not fit the old ${other}; it is written again after the new one` }];
}

/** `536870912` as `512 MiB`; a number that no unit fits evenly stays in bytes. */
export function bytesInWords(bytes: number | bigint): string {
  let value = BigInt(bytes);
  let unit = 0;
  while (unit < BYTE_UNITS.length - 1 && value >= 1024n && value % 1024n === 0n) {
    value /= 1024n;
    unit++;
  }
  return `${value} ${BYTE_UNITS[unit]}`;
}

const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
