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
/** Of manifests that refer to what they sign. */
export const ARTIFACT_TYPE_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** Of one image. */
const SIGNATURES_MAX = 128;
const PAYLOAD_MAX_BYTES = 256 * 1024;

/** Nothing of it is to be trusted. */
export interface FoundSignature {
  readonly payload: Buffer;
  readonly signature: Buffer;
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
    found.push({ payload: await source.document(layer, signal), signature: Buffer.from(text, "base64") });
  }
}

function tooMany(what: string): OrlopError {
  return new OrlopError("exhausted", `Cannot read signatures of the image: there are ${what}`);
}
