import type { Digest } from "../identifiers.ts";

// Image-spec 1.1.1. No interface here has an index signature, so that a mistyped member fails to compile; members
// that the spec does not name are nevertheless kept by the decoders. Content that has a digest is never encoded
// again: whoever copies it copies its bytes.

export const MEDIA_TYPE_DESCRIPTOR = "application/vnd.oci.descriptor.v1+json";
export const MEDIA_TYPE_LAYOUT_HEADER = "application/vnd.oci.layout.header.v1+json";
export const MEDIA_TYPE_IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
export const MEDIA_TYPE_IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const MEDIA_TYPE_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
export const MEDIA_TYPE_IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const MEDIA_TYPE_IMAGE_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const MEDIA_TYPE_IMAGE_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
/** Deprecated by the spec, like the next two; found in images that contain Windows. */
export const MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar";
export const MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_GZIP =
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
export const MEDIA_TYPE_IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD =
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
export const MEDIA_TYPE_EMPTY_JSON = "application/vnd.oci.empty.v1+json";

/** Docker's media types of the same things (media-types.md, "Compatibility Matrix"). */
export const MEDIA_TYPE_DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const MEDIA_TYPE_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const MEDIA_TYPE_DOCKER_IMAGE_CONFIG = "application/vnd.docker.container.image.v1+json";
export const MEDIA_TYPE_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
export const MEDIA_TYPE_DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";
export const MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

export const ANNOTATION_CREATED = "org.opencontainers.image.created";
export const ANNOTATION_AUTHORS = "org.opencontainers.image.authors";
export const ANNOTATION_URL = "org.opencontainers.image.url";
export const ANNOTATION_DOCUMENTATION = "org.opencontainers.image.documentation";
export const ANNOTATION_SOURCE = "org.opencontainers.image.source";
export const ANNOTATION_VERSION = "org.opencontainers.image.version";
export const ANNOTATION_REVISION = "org.opencontainers.image.revision";
export const ANNOTATION_VENDOR = "org.opencontainers.image.vendor";
export const ANNOTATION_LICENSES = "org.opencontainers.image.licenses";
/** The tag, on a descriptor in the index.json of an image layout. */
export const ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name";
export const ANNOTATION_TITLE = "org.opencontainers.image.title";
export const ANNOTATION_DESCRIPTION = "org.opencontainers.image.description";
export const ANNOTATION_BASE_IMAGE_DIGEST = "org.opencontainers.image.base.digest";
export const ANNOTATION_BASE_IMAGE_NAME = "org.opencontainers.image.base.name";

export type Annotations = Readonly<Record<string, string>>;

/** What an image runs on, in Go's words for machines and systems (image-index.md). */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  /** `v8` of arm64, `v3` of amd64. */
  readonly variant?: string;
}

/** A reference to content by what it hashes to (descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Annotations;
  /** The content itself in Base64. */
  readonly data?: string;
  readonly artifactType?: string;
  /** In an index. */
  readonly platform?: Platform;
}

/** One image for one platform: a config and its layers, base layer first (manifest.md). */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: typeof MEDIA_TYPE_IMAGE_MANIFEST | typeof MEDIA_TYPE_DOCKER_MANIFEST;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** The manifest that this one says something about (a signature, a list of contents). */
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** Manifests of which a client takes the first that suits it (image-index.md). */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: typeof MEDIA_TYPE_IMAGE_INDEX | typeof MEDIA_TYPE_DOCKER_MANIFEST_LIST;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** The file `oci-layout` (image-layout.md). */
export interface ImageLayout {
  readonly imageLayoutVersion: string;
}

/** How Go writes a set of strings. */
export type StringSet = Readonly<Record<string, Readonly<Record<string, never>>>>;

/** Docker's health check; durations in nanoseconds. */
export interface ImageHealthcheck {
  /** Empty: inherited. `NONE`, `CMD` with arguments or `CMD-SHELL` with one line. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** What a container of the image starts with unless its creator says otherwise (config.md, `config`). */
export interface ImageExecutionConfig {
  /** `user`, `uid`, `user:group` and so on; empty means root. */
  readonly User?: string;
  /** `80/tcp`, `53/udp`, `80`. */
  readonly ExposedPorts?: StringSet;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Directories. */
  readonly Volumes?: StringSet;
  readonly WorkingDir?: string;
  readonly Labels?: Annotations;
  /** `SIGTERM`, `SIGRTMIN+3`; images exist that write a number. */
  readonly StopSignal?: string;
  /** For Windows. */
  readonly ArgsEscaped?: boolean;
  /** Docker's, like the next three; the OCI spec reserves or ignores them. */
  readonly Healthcheck?: ImageHealthcheck;
  readonly Shell?: readonly string[];
  readonly OnBuild?: readonly string[];
  /** Seconds. */
  readonly StopTimeout?: number;
}

export interface ImageRootFS {
  readonly type: "layers";
  /** Digests of the uncompressed layers, base layer first. */
  readonly diff_ids: readonly Digest[];
}

export interface ImageHistory {
  readonly created?: string;
  readonly author?: string;
  readonly created_by?: string;
  readonly comment?: string;
  /** True when the step made no layer. */
  readonly empty_layer?: boolean;
}

/** The blob that a manifest's `config` points to (config.md). Its digest is the image's id. */
export interface ImageConfig extends Platform {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: ImageExecutionConfig;
  readonly rootfs: ImageRootFS;
  readonly history?: readonly ImageHistory[];
}
