import { parseMountinfo } from "../mountinfo.ts";
import type { AddFact } from "./probe-dump.ts";

/** Peer groups are numbered as they come; what matters is which kinds a mount belongs to. */
function propagationKind(tags: readonly string[]): string {
  const kinds = tags.map((tag) => tag.replace(/:\d+$/, "")).filter((tag) => tag !== "propagate_from");
  return kinds.length === 0 ? "private" : kinds.join(" ");
}

/**
 * Facts about every mount, without ids, and without the device numbers of file systems that have no device: the
 * kernel hands those out as they come.
 */
export function addMountFacts(add: AddFact, lines: readonly string[], rename: (text: string) => string): void {
  const entries = parseMountinfo(lines.join("\n"));
  const mountPoints = new Map(entries.map(({ id, mountPoint }) => [id, mountPoint]));
  const times = new Map<string, number>();
  for (const entry of entries) {
    const path = rename(entry.mountPoint);
    const time = (times.get(path) ?? 0) + 1;
    times.set(path, time);
    const key = `mount ${path}${time === 1 ? "" : `#${time}`}`;
    add(`${key} type`, entry.type);
    add(`${key} source`, rename(entry.source));
    add(`${key} root`, rename(entry.root));
    add(`${key} options`, entry.options);
    add(`${key} super`, rename(entry.superOptions));
    add(`${key} propagation`, propagationKind(entry.propagation));
    add(`${key} parent`, rename(mountPoints.get(entry.parentId) ?? "outside"));
    add(`${key} device`, entry.device.startsWith("0:") ? "none" : entry.device);
  }
}
