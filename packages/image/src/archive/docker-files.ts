import {
  type Descriptor,
  type Digest,
  decodeIndex,
  decodeManifest,
  digestEncoded,
  familiarReference,
  type Manifest,
  MEDIA_TYPE_DOCKER_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_CONFIG,
  OrlopError,
  type Platform,
  parseReference,
} from "@orlop/core";
import { namesOf } from "../layout/image-names.ts";
import { isAttestation, isIndex, membersForPlatform } from "../layout/members-for-platform.ts";
import { blobPath } from "../layout/open-layout.ts";
import { DOCKER_MANIFEST_FILE } from "./docker-manifest.ts";

const CONFIG_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE_IMAGE_CONFIG, MEDIA_TYPE_DOCKER_IMAGE_CONFIG]);

interface DockerImage {
  readonly manifest: Manifest;
  /** As docker shows names: `busybox:latest`. */
  readonly tags: readonly string[];
}

/** What docker's archives say of their images beside the layout: `manifest.json` and `repositories`. */
export class DockerFiles {
  readonly #archive: string;
  readonly #platform: Platform | undefined;
  readonly #manifests = new Map<Digest, Manifest>();
  readonly #indexes = new Map<Digest, readonly Descriptor[]>();

  /** @param platform of an index the manifest to speak of; absent: its only one */
  constructor(archive: string, platform: Platform | undefined) {
    this.#archive = archive;
    this.#platform = platform;
  }

  /** A manifest or an index of the archive. */
  note(descriptor: Descriptor, content: Buffer): void {
    if (isIndex(descriptor)) this.#indexes.set(descriptor.digest, decodeIndex(content).manifests);
    else this.#manifests.set(descriptor.digest, decodeManifest(content));
  }

  /** @throws OrlopError `invalid` for an image of several platforms of which none was asked for */
  expectImage(target: Descriptor): void {
    this.#find(target);
  }

  /** The manifest that is spoken of. What is no image, docker could not load; it is in the layout all the same. */
  #find(target: Descriptor): Manifest | undefined {
    const chosen = isIndex(target) ? this.#choose(target) : target;
    const manifest = chosen && this.#manifests.get(chosen.digest);
    return manifest !== undefined && CONFIG_TYPES.has(manifest.config.mediaType) ? manifest : undefined;
  }

  #choose(target: Descriptor): Descriptor | undefined {
    const members = this.#members(target).filter(({ digest }) => this.#manifests.has(digest));
    if (this.#platform !== undefined) return membersForPlatform(members, this.#platform)[0]?.descriptor;
    if (members.length <= 1) return members[0];
    throw new OrlopError(
      "invalid",
      `Cannot write image to "${this.#archive}": it is for ${members.length} platforms, and docker's archives have one\n` +
        "Try a platform, such as linux/amd64.",
    );
  }

  /** All manifests of an index, with those of the indexes in it. */
  #members({ digest }: Descriptor): readonly Descriptor[] {
    const members = (this.#indexes.get(digest) ?? []).filter((each) => !isAttestation(each));
    return members.flatMap((each) => (isIndex(each) ? this.#members(each) : [each]));
  }

  /** @param members of the layout's index */
  files(members: readonly Descriptor[]): readonly (readonly [path: string, text: string])[] {
    const images = this.#images(members);
    const manifest = images.map(({ manifest: { config, layers }, tags }) => ({
      Config: blobPath(config.digest),
      RepoTags: tags.length === 0 ? null : tags,
      Layers: layers.map(({ digest }) => blobPath(digest)),
    }));
    const repositories = repositoriesOf(images);
    return [
      [DOCKER_MANIFEST_FILE, JSON.stringify(manifest)],
      ...(repositories === undefined ? [] : [["repositories", repositories] as const]),
    ];
  }

  /** Each once, with all of its names. */
  #images(members: readonly Descriptor[]): readonly DockerImage[] {
    const found = new Map<Manifest, string[]>();
    for (const member of members) {
      const manifest = this.#find(member);
      if (manifest === undefined) continue;
      const tags = found.get(manifest) ?? [];
      found.set(manifest, tags);
      const { name } = namesOf(member.annotations);
      if (name !== undefined && parseReference(name).tag !== undefined) tags.push(familiar(name));
    }
    return [...found].map(([manifest, tags]) => ({ manifest, tags }));
  }
}

function familiar(name: string): string {
  const { digest: _, ...reference } = parseReference(name);
  return familiarReference(reference);
}

/** The uppermost layer by repository and tag, which is all that the first versions of docker had. */
function repositoriesOf(images: readonly DockerImage[]): string | undefined {
  const found = new Map<string, Map<string, string>>();
  for (const { manifest, tags } of images) {
    const top = manifest.layers.at(-1);
    if (top === undefined) continue;
    for (const each of tags) {
      const colon = each.lastIndexOf(":");
      const repository = each.slice(0, colon);
      found.set(repository, (found.get(repository) ?? new Map()).set(each.slice(colon + 1), digestEncoded(top.digest)));
    }
  }
  if (found.size === 0) return undefined;
  return JSON.stringify(Object.fromEntries([...found].map(([name, tags]) => [name, Object.fromEntries(tags)])));
}
