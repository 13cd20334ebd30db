import {
  LABEL_GC_PROCESS,
  LABEL_GC_REF_CONTENT,
  LABEL_GC_ROOT,
  type Labels,
  OrlopError,
  type PrepareOptions,
  type Snapshotter,
} from "@orlop/core";
import { leaseOwner, type StoredImage } from "@orlop/image";
import { rootFilesystem } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import { callerMark } from "../caller/caller-mark.ts";
import type { Depot } from "../store/open-depot.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import { readableLayers, snapshotImage } from "./snapshot-image.ts";
import { snapshotKey } from "./snapshot-key.ts";

interface StoredRoot {
  readonly stored: StoredImage;
  readonly snapshotter: Snapshotter;
  /** What is written lies on top of it; undefined: on nothing. */
  readonly parent: string | undefined;
}

/**
 * A root file system on top of what is unpacked. What is written goes away with the result, unless the container keeps it.
 *
 * The new snapshot keeps the image by its labels, from the moment that it is there: whatever has been collected by then is
 * missed afterwards, and all the rest stays. It needs no lease, which would be a second wait for the database.
 *
 * @throws OrlopError `not-found` where something of the image is gone or was never unpacked
 */
export async function openStored(
  depot: Depot,
  { stored, snapshotter, parent }: StoredRoot,
  { containerId, writtenMaxBytes, keeps = false }: OpenImageOptions,
): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const { manifest } = stored;
  const key = snapshotKey(containerId);
  const limit: PrepareOptions = writtenMaxBytes === undefined ? {} : { sizeMaxBytes: writtenMaxBytes };
  const labels = { ...keepingLabels(keeps), [`${LABEL_GC_REF_CONTENT}.image`]: manifest.digest };
  // What goes away with the container is of no use after a crash of the machine.
  const rootfs = rootFilesystem(await snapshotter.prepare(key, parent, { ...limit, labels }), { volatile: !keeps });
  const written = stack.use(new AsyncDisposableStack());
  let isOpen = false;
  written.defer(() => (isOpen ? discard(depot, snapshotter, key) : snapshotter.remove(key)));
  if (!(await depot.content.has(manifest.digest))) {
    throw new OrlopError("not-found", `Cannot use image "${manifest.digest}": it was removed meanwhile`);
  }
  if (keeps) written.move();
  const root = { kind: "snapshot", store: depot.root, snapshotter: snapshotter.name, key, manifest } as const;
  const layers = await readableLayers(rootfs, stack);
  const image = snapshotImage({ root, rootfs, layers, stored, isWhole: parent === stored.chainId }, stack);
  isOpen = true;
  const cleanUp = stack.move();
  return { ...image, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

/** What a container keeps stays until that is removed; the rest goes with who called. */
function keepingLabels(keeps: boolean): Labels {
  return keeps ? { [LABEL_GC_ROOT]: new Date().toISOString() } : { [LABEL_GC_PROCESS]: leaseOwner(callerMark()) };
}

/** Nobody waits until what was written is gone where a daemon can do it later; its labels have it collected where that dies. */
async function discard(depot: Depot, snapshotter: Snapshotter, key: string): Promise<void> {
  const who = caller();
  if (who.daemon?.engine.depot !== depot) return await snapshotter.remove(key);
  who.afterwards(() => void snapshotter.remove(key).catch(() => {}));
}
