import {
  type Descriptor,
  decodeManifest,
  digestAlgorithm,
  digestEncoded,
  type ImageSource,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
} from "@orlop/core";
import type { ImageToVerify } from "./image-verifier.ts";
import { type ImageOrigin, isInRegistry } from "./policy.ts";

/** cosign, SIGNATURE_SPEC.md, "Storage". */
export const MEDIA_TYPE_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";
export const ANNOTATION_SIGNATURE = "dev.cosignproject.cosign/signature";
/** The same, "Certificate", "Chain" and "Bundle". */
export const ANNOTATION_CERTIFICATE = "dev.sigstore.cosign/certificate";
export const ANNOTATION_CHAIN = "dev.sigstore.cosign/chain";
export const ANNOTATION_LOG_ENTRY = "dev.sigstore.cosign/bundle";
/** Of manifests that refer to what they sign. */
export const ARTIFACT_TYPE_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** Of one image. */
const SIGNATURES_MAX = 128;
const PAYLOAD_MAX_BYTES = 256 * 1024;

/** Nothing of it is to be trusted. */
export interface FoundSignature {
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** In PEM: of the key that it was made with, and of those that have issued that. */
  readonly certificate?: string;
  readonly chain?: string;
  /** In JSON: that it stands in a log. */
  readonly logEntry?: string;
}

/**
 * The signatures of an image, or of a manifest of it, that lie beside it in its registry, as cosign and podman put them there: under a tag that its
 * digest gives, and in manifests that refer to it.
 *
 * @throws OrlopError
 */
export async function findSignatures(
  signed: Descriptor,
  { source, signal }: Pick<ImageToVerify, "source" | "signal">,
  origin: ImageOrigin,
): Promise<readonly FoundSignature[]> {
  if (!isInRegistry(origin)) return [];
  const { registry, repository } = origin.reference;
  const tag = `${digestAlgorithm(signed.digest)}-${digestEncoded(signed.digest)}.sig`;
  const found: FoundSignature[] = [];
  await using tagged = origin.open({ registry, repository, tag });
  const manifest = await firstImage(tagged, signal);
  if (manifest !== undefined) await readSignatures(tagged, manifest, found, signal);
  const options = { artifactType: ARTIFACT_TYPE_SIGNATURE, ...(signal === undefined ? {} : { signal }) };
  for (const referrer of (await source.referrers?.(signed, options)) ?? []) {
    if (referrer.artifactType === ARTIFACT_TYPE_SIGNATURE) await readSignatures(source, referrer, found, signal);
  }
  return found;
}

async function firstImage(source: ImageSource, signal: AbortSignal | undefined): Promise<Descriptor | undefined> {
  try {
    return (await source.images(signal))[0]?.target;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}

/** Adds those of a manifest whose layers are what was signed. */
async function readSignatures(
  source: ImageSource,
  descriptor: Descriptor,
  found: FoundSignature[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (descriptor.mediaType !== MEDIA_TYPE_IMAGE_MANIFEST) return;
  const { layers } = decodeManifest(await source.document(descriptor, signal));
  for (const layer of layers) {
    const text = layer.annotations?.[ANNOTATION_SIGNATURE];
    if (layer.mediaType !== MEDIA_TYPE_SIMPLE_SIGNING || text === undefined) continue;
    if (found.length === SIGNATURES_MAX) throw tooMany(`more than ${SIGNATURES_MAX}`);
    if (layer.size > PAYLOAD_MAX_BYTES) throw tooMany(`one of more than ${PAYLOAD_MAX_BYTES} bytes`);
    const {
      [ANNOTATION_CERTIFICATE]: certificate,
      [ANNOTATION_CHAIN]: chain,
      [ANNOTATION_LOG_ENTRY]: logEntry,
    } = layer.annotations ?? {};
    found.push({
      payload: await source.document(layer, signal),
      signature: Buffer.from(text, "base64"),
      ...(certificate === undefined ? {} : { certificate }),
      ...(chain === undefined ? {} : { chain }),
      ...(logEntry === undefined ? {} : { logEntry }),
    });
  }
}

function tooMany(what: string): OrlopError {
  return new OrlopError("exhausted", `Cannot read signatures of the image: there are ${what}`);
}
