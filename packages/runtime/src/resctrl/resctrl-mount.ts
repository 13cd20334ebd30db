import { readFileSync } from "node:fs";

/** Where resctrl is mounted; undefined where it is not. */
export function resctrlMount(): string | undefined {
  return parseResctrlMount(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** @param mountinfo proc(5) */
export function parseResctrlMount(mountinfo: string): string | undefined {
  const line = mountinfo.split("\n").find((each) => each.includes(" - resctrl "));
  const place = line?.split(" ")[4];
  return place?.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
