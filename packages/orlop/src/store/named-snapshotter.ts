import { caller } from "../caller/caller.ts";

/** What the user wants layers of images to be kept by; undefined for what fits this machine. */
export function namedSnapshotter(): string | undefined {
  const { ORLOP_SNAPSHOTTER: name = "" } = caller().env;
  return name === "" ? undefined : name;
}
