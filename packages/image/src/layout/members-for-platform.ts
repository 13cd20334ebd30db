import {
  type Descriptor,
  formatPlatform,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  type Platform,
  platformRank,
} from "@orlop/core";

/** Indexes in indexes. */
export const INDEX_DEPTH_MAX = 4;

const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE_IMAGE_INDEX, MEDIA_TYPE_DOCKER_MANIFEST_LIST]);

export function isIndex({ mediaType }: Descriptor): boolean {
  return INDEX_TYPES.has(mediaType);
}

/** BuildKit's mark on what it says about an image, listed beside it (docs/attestations/attestation-storage.md). */
const ANNOTATION_REFERENCE_TYPE = "vnd.docker.reference.type";

/** Whether a member of an index is no image but something about another member. */
export function isAttestation({ annotations, platform }: Descriptor): boolean {
  if (annotations !== undefined && Object.hasOwn(annotations, ANNOTATION_REFERENCE_TYPE)) return true;
  return platform?.os === "unknown" && platform.architecture === "unknown";
}

/** A member of an index that leads to an image for a platform; of two, that with the lower rank suits better. */
export interface RankedMember {
  readonly descriptor: Descriptor;
  /** As `platformRank` has it; those that do not say what they are for come last. */
  readonly rank: number;
}

/** What says no platform is worse than anything that says a suiting one. */
export const RANK_SILENT: number = Number.MAX_SAFE_INTEGER;

/** The members of an index that suit a platform or say none, the best first. */
export function membersForPlatform(members: readonly Descriptor[], wanted: Platform): readonly RankedMember[] {
  return members
    .flatMap((descriptor): readonly RankedMember[] => {
      if (isAttestation(descriptor)) return [];
      const rank = descriptor.platform === undefined ? RANK_SILENT : platformRank(descriptor.platform, wanted);
      return rank === undefined ? [] : [{ descriptor, rank }];
    })
    .sort((a, b) => a.rank - b.rank);
}

/** `, it has linux/arm64, ...` for an error; empty where nothing says what it is for. */
export function offeredPlatforms(members: readonly Descriptor[]): string {
  const offered = new Set(
    members.flatMap((each) =>
      each.platform === undefined || isAttestation(each) ? [] : [formatPlatform(each.platform)],
    ),
  );
  return offered.size === 0 ? "" : `, it has ${[...offered].join(", ")}`;
}

export function nestedTooDeep(): OrlopError {
  return new OrlopError("exhausted", `Cannot read image: its indexes are nested more than ${INDEX_DEPTH_MAX} deep`);
}
