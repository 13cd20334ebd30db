import type { SnapshotRoot } from "@orlop/engine";
import { rootFilesystem } from "@orlop/snapshot";
import { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import { snapshotImage } from "./snapshot-image.ts";
import { snapshotKey } from "./snapshot-key.ts";

/**
 * A root file system on a committed snapshot of an image, for one container; what is written on top goes with the result.
 *
 * @throws OrlopError `not-found` for a snapshot that is gone
 */
export async function openSnapshot(
  base: SnapshotRoot,
  { containerId, writtenMaxBytes }: OpenImageOptions,
): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const depot = stack.use(new Depot(base.store));
  const snapshotter = await depot.snapshotterOf(base.snapshotter);
  const key = snapshotKey(containerId);
  const { id: lease } = await depot.leases.create({
    id: key,
    resources: [
      { kind: "snapshot", snapshotter: base.snapshotter, key },
      { kind: "content", digest: base.manifest.digest },
    ],
  });
  stack.defer(() => depot.leases.delete(lease));
  const stored = await depot.storedImage(base.manifest, ownPlatform());
  const limit = writtenMaxBytes === undefined ? {} : { sizeMaxBytes: writtenMaxBytes };
  const rootfs = rootFilesystem(await snapshotter.prepare(key, base.key, limit), { volatile: true });
  stack.defer(() => snapshotter.remove(key));
  const image = snapshotImage({ root: { ...base, key }, rootfs, stored }, stack);
  const cleanUp = stack.move();
  return { ...image, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}
