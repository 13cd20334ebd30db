import {
  type Descriptor,
  decodeIndex,
  decodeManifest,
  formatPlatform,
  type Manifest,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  type Platform,
} from "@orlop/core";
import {
  INDEX_DEPTH_MAX,
  isAttestation,
  isIndex,
  membersForPlatform,
  nestedTooDeep,
  offeredPlatforms,
  RANK_SILENT,
  type RankedMember,
} from "../layout/members-for-platform.ts";

/** Of all indexes of an image together. */
const MANIFESTS_MAX = 1000;

/** Members of an index that are looked for so that an error can name them. */
const OTHERS_MAX = 16;

const MANIFEST_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE_IMAGE_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST]);

type ReadDocument = (descriptor: Descriptor) => Promise<Buffer>;

/** A manifest or an index, and what it names. */
export interface ManifestPart {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
  /** What it names of what belongs to the image: manifests of an index that were not asked for are left out. */
  readonly children: readonly Descriptor[];
  /** Absent for an index. */
  readonly manifest?: Manifest;
}

interface PartsOptions {
  /** Of an index only the manifest for this platform; absent: all of them. */
  readonly platform?: Platform;
}

/**
 * What an image consists of: its manifests and indexes, those that are named before those that name them.
 *
 * @throws OrlopError `not-found` where an index has nothing for the platform, `exhausted` for too many or too deep ones,
 * `unsupported` for a target that is neither
 */
export async function imageParts(
  read: ReadDocument,
  target: Descriptor,
  { platform }: PartsOptions,
): Promise<readonly ManifestPart[]> {
  const found = new Map<string, ManifestPart>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (found.has(descriptor.digest)) return;
    if (found.size >= MANIFESTS_MAX) {
      throw new OrlopError("exhausted", `Cannot read image: it has more than ${MANIFESTS_MAX} manifests`);
    }
    if (!isIndex(descriptor)) {
      found.set(descriptor.digest, readManifest(descriptor, await read(descriptor)));
      return;
    }
    if (depth === 0) throw nestedTooDeep();
    const content = await read(descriptor);
    const { manifests } = decodeIndex(content);
    const chosen = platform && (await choose(read, manifests, { platform, depth: depth - 1 }));
    if (platform !== undefined && chosen === undefined) throw noneFor(platform, manifests);
    const children = chosen === undefined ? manifests : [chosen.descriptor];
    try {
      for (const child of children) await visit(child, depth - 1);
    } catch (error) {
      throw platform === undefined ? error : ((await othersThere(read, manifests, platform, error)) ?? error);
    }
    found.set(descriptor.digest, { descriptor, content, children });
  };
  await visit(target, INDEX_DEPTH_MAX);
  return [...found.values()];
}

function readManifest(descriptor: Descriptor, content: Buffer): ManifestPart {
  if (!MANIFEST_TYPES.has(descriptor.mediaType)) {
    throw new OrlopError(
      "unsupported",
      `Cannot read image: "${descriptor.digest}" is no manifest, its media type is "${descriptor.mediaType}"`,
    );
  }
  const manifest = decodeManifest(content);
  return { descriptor, content, manifest, children: [manifest.config, ...manifest.layers] };
}

/**
 * The member of an index that is, or leads to, the manifest that suits a platform best. Indexes that do not say what they
 * are for are looked into where no other member is for exactly this platform.
 */
async function choose(
  read: ReadDocument,
  manifests: readonly Descriptor[],
  { platform, depth }: { readonly platform: Platform; readonly depth: number },
): Promise<RankedMember | undefined> {
  let best: RankedMember | undefined;
  for (const { descriptor, rank } of membersForPlatform(manifests, platform)) {
    if (best?.rank === 0 || (best !== undefined && rank !== RANK_SILENT && rank >= best.rank)) break;
    const found = isIndex(descriptor) ? await chooseWithin(read, descriptor, { platform, depth }) : rank;
    if (found !== undefined && (best === undefined || found < best.rank)) best = { descriptor, rank: found };
  }
  return best;
}

/** The rank of the best that an index leads to. */
async function chooseWithin(
  read: ReadDocument,
  index: Descriptor,
  { platform, depth }: { readonly platform: Platform; readonly depth: number },
): Promise<number | undefined> {
  if (depth === 0) throw nestedTooDeep();
  const nested = decodeIndex(await read(index)).manifests;
  return (await choose(read, nested, { platform, depth: depth - 1 }))?.rank;
}

/**
 * What an index of which only another platform was kept fails with: exports for one platform have the index as it was, and
 * so has the content store of what was pulled. Undefined where there is no other either.
 */
async function othersThere(
  read: ReadDocument,
  manifests: readonly Descriptor[],
  platform: Platform,
  error: unknown,
): Promise<OrlopError | undefined> {
  if (!(error instanceof OrlopError) || error.code !== "not-found") return undefined;
  const others = manifests.filter((each) => each.platform !== undefined && !isIndex(each) && !isAttestation(each));
  const there = new Set<string>();
  for (const descriptor of others.slice(0, OTHERS_MAX)) {
    const isThere = await read(descriptor).then(
      () => true,
      () => false,
    );
    if (isThere && descriptor.platform !== undefined) there.add(formatPlatform(descriptor.platform));
  }
  const [first] = there;
  if (first === undefined) return undefined;
  const what = `its index names one, and of what that names only ${[...there].join(", ")} is here`;
  const message = `Cannot find an image for ${formatPlatform(platform)}: ${what}\nTry the platform ${first}.`;
  return new OrlopError("not-found", message, { cause: error });
}

function noneFor(platform: Platform, manifests: readonly Descriptor[]): OrlopError {
  const has = offeredPlatforms(manifests);
  return new OrlopError("not-found", `Cannot find an image for ${formatPlatform(platform)}${has}`);
}
