import { join } from "node:path";
import { checkSnapshotter, isProxy, proxyName, snapshotterName } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";

/** What the user wants layers of images to be kept by; undefined for what fits this machine. */
export function namedSnapshotter(): string | undefined {
  const { ORLOP_SNAPSHOTTER: name = "" } = caller().env;
  return name === "" ? undefined : name;
}

/**
 * Whether it can be used for images below a directory; of one behind a socket, whether that can be its address.
 *
 * @throws OrlopError `unsupported`, `invalid`
 */
export function checkNamed(name: string, root: string): void {
  if (isProxy(name)) proxyName(name);
  else checkSnapshotter(name, join(root, "snapshots", snapshotterName(name)));
}
