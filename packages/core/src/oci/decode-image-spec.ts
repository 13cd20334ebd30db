import { type Digest, digestProblem } from "../identifiers.ts";
import {
  annotations,
  anyText,
  boolean,
  type Decoder,
  integer,
  list,
  nonEmptyText,
  nullable,
  object,
  oneOf,
  optional,
  record,
  refine,
  required,
  text,
  where,
} from "./field-decoders.ts";
import { decodeDocument, FieldFailure, memberPath, show, unexpected } from "./field-failure.ts";
import {
  type Descriptor,
  type ImageConfig,
  type ImageExecutionConfig,
  type ImageHealthcheck,
  type ImageHistory,
  type ImageLayout,
  type ImageRootFS,
  type Index,
  type Manifest,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  type Platform,
  type StringSet,
} from "./image-spec.ts";
import { parseJson } from "./json-text.ts";

/** restricted-name "/" restricted-name of RFC 6838, section 4.2. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;
const mediaType = where(text, (type) => MEDIA_TYPE.test(type), "a media type such as application/json");

const digest: Decoder<Digest> = (value, at) => {
  const found = anyText(value, at);
  const problem = digestProblem(found);
  if (problem !== undefined) throw new FieldFailure(at, `found ${show(found)}: ${problem}`);
  return found as Digest;
};

const base64 = where(
  anyText,
  (data) => data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data),
  "Base64 of RFC 4648, section 4",
);

const platform = object<Platform>({
  architecture: required(text),
  os: required(text),
  "os.version": optional(text),
  "os.features": optional(list(text)),
  variant: optional(text),
});

const descriptor = object<Descriptor>({
  mediaType: required(mediaType),
  digest: required(digest),
  // int64 in the spec; nothing of 8 PiB and more is going to be fetched.
  size: required(integer(0, Number.MAX_SAFE_INTEGER)),
  urls: optional(list(text)),
  annotations: optional(annotations),
  data: optional(base64),
  artifactType: optional(mediaType),
  platform: optional(platform),
});

const schemaVersion: Decoder<2> = (value, at) => {
  if (value !== 2) throw unexpected(at, value, "2");
  return value;
};

/**
 * A document that is both a manifest and an index means different images to different readers (CVE-2021-41190),
 * so the members of the one are refused in the other.
 */
function refuseMembers(value: object, at: string, names: readonly string[], kind: string): void {
  const refused = new Set(names.map((name) => name.toLowerCase()));
  for (const name of Object.keys(value)) {
    // To readers in Go a name in capitals is the same one.
    if (refused.has(name.toLowerCase()))
      throw new FieldFailure(memberPath(at, name), `${kind} must not have this member`);
  }
}

const manifest: Decoder<Manifest> = refine(
  object<Manifest>({
    schemaVersion: required(schemaVersion),
    mediaType: optional(oneOf([MEDIA_TYPE_IMAGE_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST])),
    artifactType: optional(mediaType),
    config: required(descriptor),
    layers: required(nullable(list(descriptor))),
    subject: optional(descriptor),
    annotations: optional(annotations),
  }),
  (found, at) => refuseMembers(found, at, ["manifests", "fsLayers"], "a manifest"),
);

const index: Decoder<Index> = refine(
  object<Index>({
    schemaVersion: required(schemaVersion),
    mediaType: optional(oneOf([MEDIA_TYPE_IMAGE_INDEX, MEDIA_TYPE_DOCKER_MANIFEST_LIST])),
    artifactType: optional(mediaType),
    manifests: required(nullable(list(descriptor))),
    subject: optional(descriptor),
    annotations: optional(annotations),
  }),
  (found, at) => refuseMembers(found, at, ["config", "layers", "fsLayers"], "an index"),
);

const stringSet = record(object<Record<never, never>>({}), text) as Decoder<StringSet>;
const duration = integer(0, Number.MAX_SAFE_INTEGER);

const healthcheck = object<ImageHealthcheck>({
  Test: optional(list(text)),
  Interval: optional(duration),
  Timeout: optional(duration),
  StartPeriod: optional(duration),
  StartInterval: optional(duration),
  Retries: optional(integer(0, 0x7fff_ffff)),
});

const executionConfig = object<ImageExecutionConfig>({
  User: optional(text),
  ExposedPorts: optional(stringSet),
  Env: optional(list(text)),
  Entrypoint: optional(list(text)),
  Cmd: optional(list(text)),
  Volumes: optional(stringSet),
  WorkingDir: optional(text),
  Labels: optional(record(anyText)),
  StopSignal: optional(text),
  ArgsEscaped: optional(boolean),
  Healthcheck: optional(healthcheck),
  Shell: optional(list(text)),
  OnBuild: optional(list(anyText)),
  StopTimeout: optional(integer(-1, 0x7fff_ffff)),
});

const history = object<ImageHistory>({
  created: optional(anyText),
  author: optional(anyText),
  created_by: optional(anyText),
  comment: optional(anyText),
  empty_layer: optional(boolean),
});

const imageConfig = object<ImageConfig>({
  architecture: required(text),
  os: required(text),
  "os.version": optional(text),
  "os.features": optional(list(text)),
  variant: optional(text),
  created: optional(anyText),
  author: optional(anyText),
  config: optional(executionConfig),
  rootfs: required(
    object<ImageRootFS>({ type: required(oneOf(["layers"])), diff_ids: required(nullable(list(digest))) }),
  ),
  history: optional(list(history)),
});

const imageLayout = object<ImageLayout>({
  imageLayoutVersion: required(where(nonEmptyText, (version) => /^1\.\d+\.\d+$/.test(version), "a version 1.x.y")),
});

/**
 * Decodes one descriptor.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeDescriptor(input: string | Uint8Array): Descriptor {
  return decodeDocument("OCI descriptor", () => descriptor(parseJson(input), ""));
}

/**
 * Decodes an image manifest, OCI's or docker's. What its descriptors' media types mean is not looked at: the spec
 * wants unknown ones to be copied without an error.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeManifest(input: string | Uint8Array): Manifest {
  return decodeDocument("image manifest", () => manifest(parseJson(input), ""));
}

/**
 * Decodes an image index, OCI's or docker's manifest list.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeIndex(input: string | Uint8Array): Index {
  return decodeDocument("image index", () => index(parseJson(input), ""));
}

/**
 * Decodes an image's config. A `null`, which docker writes for most of what an image does not set, counts as
 * absent (config.md, "Properties").
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeImageConfig(input: string | Uint8Array): ImageConfig {
  return decodeDocument("image config", () => imageConfig(parseJson(input), ""));
}

/**
 * Decodes the file `oci-layout` of an image layout.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeImageLayout(input: string | Uint8Array): ImageLayout {
  return decodeDocument("oci-layout file", () => imageLayout(parseJson(input), ""));
}
