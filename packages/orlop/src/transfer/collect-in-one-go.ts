import { setFlagsFromString } from "node:v8";

/**
 * Has V8 collect garbage without marking in small steps beforehand. What streams through a process are buffers outside of a
 * small heap: every few of them V8 begins to mark anew, which is a quarter of the processor time of a pull.
 */
export function collectInOneGo(): void {
  setFlagsFromString("--no-incremental-marking");
}
