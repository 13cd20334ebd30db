import type { Digest } from "../identifiers.ts";
import { decodeImageConfig, decodeIndex, decodeManifest } from "./decode-image-spec.ts";
import { decodeDocument } from "./field-failure.ts";
import type { Descriptor, ImageExecutionConfig, ImageHistory } from "./image-spec.ts";
import { parseJson, stringifyJson } from "./json-text.ts";

/** Members to set; one that is undefined goes, one that is absent stays. */
export type MemberChanges<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface ImageConfigChanges {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: MemberChanges<ImageExecutionConfig>;
  /** Digests of uncompressed layers that come on top. */
  readonly diffIds?: readonly Digest[];
  /** Steps that come after the others. */
  readonly history?: readonly ImageHistory[];
}

export interface ManifestChanges {
  readonly config?: Descriptor;
  /** What comes on top. */
  readonly layers?: readonly Descriptor[];
  /** Undefined takes it away. */
  readonly subject?: Descriptor | undefined;
  readonly annotations?: MemberChanges<Record<string, string>>;
}

export interface IndexChanges {
  /** In the place of all that there were. */
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: MemberChanges<Record<string, string>>;
}

/**
 * An image's config with these changes, and else with all that it had, members that no specification names included, in their
 * order.
 *
 * @throws OrlopError `invalid` where it is no config before or after
 */
export function editImageConfig(content: string | Uint8Array, changes: ImageConfigChanges): Buffer {
  decodeImageConfig(content);
  const old = parseObject("image config", content);
  const { config, diffIds, history, ...top } = changes;
  const rootfs = old.rootfs as Members;
  return encode(decodeImageConfig, {
    ...withMembers(old, top),
    ...(config === undefined ? {} : { config: withMembers(old.config, config) }),
    ...(diffIds === undefined ? {} : { rootfs: { ...rootfs, diff_ids: appended(rootfs.diff_ids, diffIds) } }),
    ...(history === undefined ? {} : { history: appended(old.history, history) }),
  });
}

/**
 * The same for a manifest.
 *
 * @throws OrlopError `invalid`
 */
export function editManifest(content: string | Uint8Array, changes: ManifestChanges): Buffer {
  decodeManifest(content);
  const old = parseObject("image manifest", content);
  const { layers, annotations, ...top } = changes;
  return encode(decodeManifest, {
    ...withMembers(old, top),
    ...(layers === undefined ? {} : { layers: appended(old.layers, layers) }),
    ...(annotations === undefined ? {} : { annotations: withMembers(old.annotations, annotations) }),
  });
}

/**
 * The same for an index.
 *
 * @throws OrlopError `invalid`
 */
export function editIndex(content: string | Uint8Array, changes: IndexChanges): Buffer {
  decodeIndex(content);
  const old = parseObject("image index", content);
  const { annotations, ...top } = changes;
  return encode(decodeIndex, {
    ...withMembers(old, top),
    ...(annotations === undefined ? {} : { annotations: withMembers(old.annotations, annotations) }),
  });
}

type Members = Readonly<Record<string, unknown>>;

/** Not what a decoder gives, which leaves out each `null`. */
function parseObject(document: string, content: string | Uint8Array): Members {
  return decodeDocument(document, () => parseJson(content)) as Members;
}

function withMembers(old: unknown, changes: Members): Members {
  const members = { ...(old as Members | null | undefined) };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete members[name];
    else members[name] = value;
  }
  return members;
}

function appended(old: unknown, more: readonly unknown[]): readonly unknown[] {
  return [...((old as readonly unknown[] | null | undefined) ?? []), ...more];
}

function encode(check: (content: string) => unknown, value: Members): Buffer {
  const text = stringifyJson(value);
  check(text);
  return Buffer.from(text);
}
