import {
  type Descriptor,
  type Digest,
  LABEL_GC_REF_CONTENT,
  LABEL_GC_ROOT,
  type Labels,
  type LeaseResource,
  OrlopError,
  type PrepareOptions,
  type RootFilesystem,
  type Snapshotter,
} from "@orlop/core";
import { type PulledImage, pullImage, type StoredImage, StoreSource } from "@orlop/image";
import { rootFilesystem } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import { callerMark } from "../caller/caller-mark.ts";
import { leaveToCalled } from "../caller/not-here.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { findKnown } from "./find-known.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { snapshotImage } from "./snapshot-image.ts";
import { snapshotKey } from "./snapshot-key.ts";

/** Opens the image from this user's depot, for one container. */
export async function openPulled(reference: ImageReference, options: OpenImageOptions): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const depot = caller().daemon?.engine.depot ?? stack.use(openDepot());
  const image = stack.use(await openFromDepot(depot, reference, options));
  const cleanUp = stack.move();
  return { ...image, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

/**
 * A root file system of an image's layers, which stay what they are: a snapshot on top of them takes what is written, and
 * goes away with the result. The image comes here first, where it is not here yet. The depot stays open meanwhile.
 *
 * @throws OrlopError
 */
export async function openFromDepot(
  depot: Depot,
  reference: ImageReference,
  options: OpenImageOptions,
): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  const { platform = ownPlatform(), pull: policy = "missing" } = options;
  const limit: PrepareOptions = options.writtenMaxBytes === undefined ? {} : { sizeMaxBytes: options.writtenMaxBytes };
  // No image comes for what is refused then.
  if (limit.sizeMaxBytes !== undefined) await depot.checkLimit();
  const snapshotter = await depot.snapshotter();
  const key = snapshotKey(options.containerId);
  const known = policy === "always" ? undefined : await findNamed(depot, reference);
  const written: LeaseResource = { kind: "snapshot", snapshotter: snapshotter.name, key };
  // Kept before it is looked at: somebody may be removing it.
  const resources: readonly LeaseResource[] =
    known === undefined ? [written] : [written, { kind: "content", digest: known.digest }];
  // What is kept has others to keep it from then on; the rest goes with who called.
  const owner = options.keeps === true ? {} : { processMark: callerMark() };
  const { id: lease } = await depot.leases.create({ id: key, resources, ...owner });
  stack.defer(() => depot.leases.delete(lease));
  const isHere = known !== undefined && (await depot.content.has(known.digest));
  const target = isHere ? known : await bring(depot, reference, { ...options, lease });
  const stored = await depot.storedImage(target, platform);
  const take = (): Promise<PulledImage> =>
    pullImage(new StoreSource(depot.content, [{ target }]), depot, { target }, { platform, snapshotter, lease });
  const labels = options.keeps === true ? keepingLabels(stored.manifest.digest) : undefined;
  const rootfs = await makeRoot(snapshotter, { key, labels, limit, stored }, take);
  if (labels === undefined) stack.defer(() => snapshotter.remove(key));
  const { manifest } = stored;
  const root = { kind: "snapshot", store: depot.root, snapshotter: snapshotter.name, key, manifest } as const;
  const image = snapshotImage({ root, rootfs, stored }, stack);
  const cleanUp = stack.move();
  return { ...image, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

/** What has no name here is looked at each time, which costs little where its parts are here. */
async function findNamed(depot: Depot, reference: ImageReference): Promise<Descriptor | undefined> {
  if (!("name" in reference)) return undefined;
  const { name } = reference;
  return (await findKnown(depot, name, "text" in reference ? reference.text : name))?.target;
}

interface BringOptions extends OpenImageOptions {
  readonly lease: string;
}

/** The image as it comes from where it is. */
async function bring(
  depot: Depot,
  reference: ImageReference,
  { pull: policy, platform = ownPlatform(), quiet = false, lease }: BringOptions,
): Promise<Descriptor> {
  const isNamed = "name" in reference;
  if (isNamed && policy === "never") {
    throw new OrlopError(
      "not-found",
      `Cannot find image "${reference.name}" on this machine\nTry orlop pull, or --pull missing.`,
    );
  }
  leaveToCalled("registries are reached as the caller's environment has it");
  // Loaded no sooner: registries and their like take longer to load than a container takes to start.
  const { pull } = await import("../transfer/pull.ts");
  return (await pull(depot, { reference, platform, quiet: quiet || !isNamed, lease })).target;
}

/** A container's snapshot stays without anybody's lease, and its image with it, so that it can still be committed. */
function keepingLabels(manifest: Digest): Labels {
  return { [LABEL_GC_ROOT]: new Date().toISOString(), [`${LABEL_GC_REF_CONTENT}.image`]: manifest };
}

interface RootRequest {
  /** Of the new snapshot. */
  readonly key: string;
  /** Those that keep it when this is over; absent: it goes then. */
  readonly labels: Labels | undefined;
  /** On what is written to it. */
  readonly limit: PrepareOptions;
  readonly stored: StoredImage;
}

/** @param take takes in what is here and was never unpacked, or by another snapshotter */
async function makeRoot(
  snapshotter: Snapshotter,
  { key, labels, limit, stored: { chainId } }: RootRequest,
  take: () => Promise<unknown>,
): Promise<RootFilesystem> {
  const prepare = async (): Promise<RootFilesystem> =>
    labels === undefined
      ? // What is written goes away with the container.
        rootFilesystem(await snapshotter.prepare(key, chainId, limit), { volatile: true })
      : rootFilesystem(await snapshotter.prepare(key, chainId, { ...limit, labels }));
  try {
    return await prepare();
  } catch (error) {
    if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    await take();
    return await prepare();
  }
}
