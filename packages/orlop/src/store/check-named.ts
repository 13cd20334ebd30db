import { join } from "node:path";
import { checkSnapshotter, isProxy, proxyName, snapshotterName } from "@orlop/snapshot";

/**
 * Whether a snapshotter that a user has named can be used for images below a directory; of one behind a socket, whether that
 * can be its address.
 *
 * @throws OrlopError `unsupported`, `invalid`
 */
export function checkNamed(name: string, root: string): void {
  if (isProxy(name)) proxyName(name);
  else checkSnapshotter(name, join(root, "snapshots", snapshotterName(name)));
}
