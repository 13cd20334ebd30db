import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { errnoOf } from "./execute-operations.ts";

/** The controller is not here, the cgroup is gone, or the kernel was told not to keep this figure. */
const ABSENT = ["ENOENT", "ENODEV", "EOPNOTSUPP"];

/** The contents of a cgroup file, or undefined when there is none. */
export function readCgroupFile(directory: string, file: string): string | undefined {
  try {
    return readFileSync(`${directory}/${file}`, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (ABSENT.includes(errno)) return undefined;
    throw new OrlopError(
      errno === "EACCES" ? "denied" : "failed",
      `Cannot read cgroup file "${directory}/${file}": ${errno}`,
      {
        operation: "read cgroup",
        errno,
        cause: error,
      },
    );
  }
}

/** A file with one number; `max` is undefined as an absent file is. */
export function readCgroupNumber(directory: string, file: string): bigint | undefined {
  const text = readCgroupFile(directory, file)?.trim();
  return text === undefined || text === "max" || text === "" ? undefined : parseNumber(text, file);
}

/** Lines of `key number`: `memory.stat`, `cgroup.events`. */
function parseFlatKeyed(text: string, file: string): Record<string, bigint> {
  const values: Record<string, bigint> = {};
  for (const line of lines(text)) {
    const [key, value] = line.split(" ");
    if (key !== undefined && value !== undefined) values[key] = parseNumber(value, file);
  }
  return values;
}

/** As {@link parseFlatKeyed}; an absent file has no keys. */
export function readFlatKeyed(directory: string, file: string): Record<string, bigint> {
  const text = readCgroupFile(directory, file);
  return text === undefined ? {} : parseFlatKeyed(text, file);
}

/** Lines of `name key=value ...`: `io.stat`, `rdma.max`, pressure files. Values stay text, for some are `max` or decimal. */
export function parseNestedKeyed(text: string): Map<string, Record<string, string>> {
  const entries = new Map<string, Record<string, string>>();
  for (const line of lines(text)) {
    const [name, ...pairs] = line.split(" ");
    const values: Record<string, string> = {};
    for (const pair of pairs) {
      const at = pair.indexOf("=");
      if (at > 0) values[pair.slice(0, at)] = pair.slice(at + 1);
    }
    if (name !== undefined) entries.set(name, values);
  }
  return entries;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function parseNumber(text: string, file: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  throw new OrlopError("failed", `Cannot read cgroup file "${file}": "${text}" is not a number`, {
    operation: "read cgroup",
  });
}
