import {
  type Descriptor,
  type Digest,
  formatReference,
  type ImageRecord,
  LABEL_GC_REF_CONTENT,
  LABEL_GC_ROOT,
  type Labels,
  OrlopError,
  type Platform,
  type RootFilesystem,
} from "@orlop/core";
import { keepContent, type PulledImage, pullImage, readStoredImage, type StoredImage, StoreSource } from "@orlop/image";
import { LayeredFiles, rootFilesystem } from "@orlop/snapshot";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";

/**
 * A root file system of an image's layers, which stay what they are: a snapshot on top of them takes what is written, and
 * goes away with the result. The image comes here first, where it is not here yet.
 *
 * @throws OrlopError
 */
export async function openPulled(reference: ImageReference, options: OpenImageOptions): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const depot = stack.use(openDepot());
  const { id: lease } = await depot.leases.create();
  stack.defer(() => depot.leases.delete(lease));
  const platform = options.platform ?? ownPlatform();
  const target = await bring(depot, reference, { ...options, platform, lease });
  const stored = await readStoredImage(depot.content, target, platform);
  const snapshot = `container-${options.containerId}`;
  const labels = options.keeps === true ? keepingLabels(stored.manifest.digest) : undefined;
  const { rootfs, snapshotter } = await makeRoot(depot, { target, stored, platform, lease, snapshot, labels }, stack);
  const files = stack.use(new LayeredFiles(rootfs.kind === "overlay" ? rootfs.lower : []));
  const cleanUp = stack.move();
  return {
    rootfs,
    mounts: [],
    config: stored.content.config ?? {},
    root: { kind: "snapshot", store: depot.root, snapshotter, key: snapshot, manifest: stored.manifest },
    id: stored.config.digest,
    readFile: (path, bytesMax) => files.readFile(path, bytesMax),
    isHost: false,
    warnings: [],
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

interface BringOptions extends OpenImageOptions {
  readonly platform: Platform;
  readonly lease: string;
}

/** The image as it is here, or as it comes from where it is. */
async function bring(
  depot: Depot,
  reference: ImageReference,
  { pull: policy = "missing", platform, quiet = false, lease }: BringOptions,
): Promise<Descriptor> {
  const name = "name" in reference ? reference.name : undefined;
  // Loaded no sooner: registries and their like take longer to load than a container takes to start.
  const pull = async (quiet: boolean): Promise<PulledImage> => {
    const transfer = await import("../transfer/pull.ts");
    return await transfer.pull(depot, { reference, platform, quiet, lease });
  };
  // What has no name here is looked at each time, which costs little where its parts are here.
  if (name === undefined) return (await pull(true)).target;
  const known = policy === "always" ? undefined : await find(depot, name, "text" in reference ? reference.text : name);
  // Somebody may be removing it: then it has to come again.
  if (known !== undefined && (await keepContent(depot, lease, known.target.digest))) return known.target;
  if (policy === "never") {
    throw new OrlopError(
      "not-found",
      `Cannot find image "${name}" on this machine\nTry orlop pull, or --pull missing.`,
    );
  }
  return (await pull(quiet)).target;
}

/** By its name, at once; what may be the beginning of an id is looked for longer. */
async function find(depot: Depot, name: string, text: string): Promise<ImageRecord | undefined> {
  const named = await unlessMissing(depot.images.get(name));
  if (named !== undefined) return named;
  if (/^[0-9a-f:]+$/.test(text.replace(/^sha256:/, ""))) {
    const { findImage } = await import("../images/find-image.ts");
    const found = await unlessMissing(findImage(depot, text));
    if (found !== undefined) return found.record;
  }
  return text === name ? undefined : await findAlias(depot, name, text);
}

/** Under the name that it gets when it comes from where this machine's configuration says. */
async function findAlias(depot: Depot, name: string, text: string): Promise<ImageRecord | undefined> {
  const { meantBy } = await import("../transfer/meant-by.ts");
  const meant = formatReference(await meantBy(text));
  return meant === name ? undefined : await unlessMissing(depot.images.get(meant));
}

async function unlessMissing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** A container's snapshot stays without anybody's lease, and its image with it, so that it can still be committed. */
function keepingLabels(manifest: Digest): Labels {
  return { [LABEL_GC_ROOT]: new Date().toISOString(), [`${LABEL_GC_REF_CONTENT}.image`]: manifest };
}

interface RootRequest {
  readonly target: Descriptor;
  readonly stored: StoredImage;
  readonly platform: Platform;
  readonly lease: string;
  /** Key of the new snapshot. */
  readonly snapshot: string;
  /** Those that keep it when this is over; absent: it goes then. */
  readonly labels: Labels | undefined;
}

async function makeRoot(
  depot: Depot,
  { target, stored, platform, lease, snapshot: key, labels }: RootRequest,
  stack: AsyncDisposableStack,
): Promise<{ readonly rootfs: RootFilesystem; readonly snapshotter: string }> {
  const snapshotter = await depot.snapshotter();
  await depot.leases.add(lease, { kind: "snapshot", snapshotter: snapshotter.name, key });
  const prepare = async (): Promise<RootFilesystem> =>
    rootFilesystem(await snapshotter.prepare(key, stored.chainId, labels && { labels }));
  let rootfs: RootFilesystem;
  try {
    rootfs = await prepare();
  } catch (error) {
    if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    // It was taken in without that, or by another snapshotter.
    const source = new StoreSource(depot.content, [{ target }]);
    await pullImage(source, depot, { target }, { platform, snapshotter, lease });
    rootfs = await prepare();
  }
  if (labels === undefined) stack.defer(() => snapshotter.remove(key));
  return { rootfs, snapshotter: snapshotter.name };
}
