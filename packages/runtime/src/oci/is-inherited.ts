import { readlinkSync } from "node:fs";

/**
 * Whether this process was given a descriptor, those below being given as well: Node's first of its own, which takes the lowest
 * free number, is one to poll with, and nobody passes such on.
 */
export function isInherited(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) !== "anon_inode:[eventpoll]";
  } catch {
    return false;
  }
}
