import type { SnapshotRoot } from "@orlop/engine";
import { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import { openStored } from "./open-stored.ts";

/**
 * A root file system on a committed snapshot of an image, for one container; what is written on top goes with the result.
 *
 * @throws OrlopError `not-found` for a snapshot that is gone
 */
export async function openSnapshot(base: SnapshotRoot, options: OpenImageOptions): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const depot = stack.use(new Depot(base.store));
  const snapshotter = await depot.snapshotterOf(base.snapshotter);
  const stored = await depot.storedImage(base.manifest, ownPlatform());
  const image = stack.use(
    await openStored(depot, { stored, snapshotter, parent: base.key }, { ...options, keeps: false }),
  );
  const cleanUp = stack.move();
  return { ...image, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}
