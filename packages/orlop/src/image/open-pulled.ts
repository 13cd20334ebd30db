import {
  type Descriptor,
  formatPlatform,
  type LeaseResource,
  OrlopError,
  platformRank,
  type Snapshotter,
  unlessMissing,
} from "@orlop/core";
import { caller } from "../caller/caller.ts";
import { callerMark } from "../caller/caller-mark.ts";
import { leaveToCalled } from "../caller/not-here.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { findKnown } from "./find-known.ts";
import type { Image, OpenImageOptions } from "./image.ts";
import type { ImageReference } from "./image-reference.ts";
import { openStored } from "./open-stored.ts";

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
  // No image comes for what is refused then.
  if (options.writtenMaxBytes !== undefined) await depot.checkLimit();
  const snapshotter = await depot.snapshotter();
  const known = options.pull === "always" ? undefined : await findNamed(depot, reference);
  const open = (target: Descriptor): Promise<Image> => openTarget(depot, snapshotter, target, options);
  const image = known && (await unlessMissing(open(known)));
  return image ?? (await openBrought({ depot, snapshotter, known, open }, reference, options));
}

async function openTarget(
  depot: Depot,
  snapshotter: Snapshotter,
  target: Descriptor,
  options: OpenImageOptions,
): Promise<Image> {
  const { platform } = options;
  const stored = await depot.storedImage(target, platform ?? ownPlatform());
  // A pull has looked at that, for another platform perhaps.
  if (platform !== undefined && platformRank(stored.content, platform) === undefined) {
    const [is, wanted] = [stored.content, platform].map(formatPlatform);
    throw new OrlopError(
      "unsupported",
      `Cannot use image: it is for ${is}, not for ${wanted}\nTry --pull always, if it is for several platforms.`,
    );
  }
  return await openStored(depot, { stored, snapshotter, parent: stored.chainId }, options);
}

interface MissingImage {
  readonly depot: Depot;
  readonly snapshotter: Snapshotter;
  readonly known: Descriptor | undefined;
  /** @throws OrlopError `not-found` where it is not unpacked */
  readonly open: (target: Descriptor) => Promise<Image>;
}

/** Brings the image first, or unpacks what is here and never was, or by another snapshotter. */
async function openBrought(
  { depot, snapshotter, known, open }: MissingImage,
  reference: ImageReference,
  options: OpenImageOptions,
): Promise<Image> {
  await using stack = new AsyncDisposableStack();
  // Kept before it is looked at: somebody may be removing it.
  const resources: readonly LeaseResource[] = known === undefined ? [] : [{ kind: "content", digest: known.digest }];
  const { id: lease } = await depot.leases.create({ resources, processMark: callerMark() });
  stack.defer(() => depot.leases.delete(lease));
  const isHere = known !== undefined && (await depot.content.has(known.digest));
  const target = isHere ? known : await bring(depot, reference, { ...options, lease });
  const image = await unlessMissing(open(target));
  if (image !== undefined) return image;
  const { platform = ownPlatform() } = options;
  const { unpackStored } = await import("./unpack-stored.ts");
  await unpackStored(depot, target, { platform, snapshotter, lease });
  return await open(target);
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
