import { createHash, type KeyObject, sign } from "node:crypto";
import { type Descriptor, type ImageSink, MEDIA_TYPE_IMAGE_CONFIG, MEDIA_TYPE_IMAGE_MANIFEST } from "@orlop/core";
import { ANNOTATION_SIGNATURE, type FoundSignature, MEDIA_TYPE_SIMPLE_SIGNING } from "./find-signatures.ts";

export interface SignatureContent {
  /** A private one. */
  readonly key: KeyObject;
  /** What the image is called in it. */
  readonly reference: string;
  readonly digest: string;
  /** Members that it has besides, or others. */
  readonly critical?: object;
  /** What stands beside it, once it is made. */
  readonly beside?: (found: FoundSignature) => Readonly<Record<string, string>>;
}

/** A layer of what cosign puts beside an image. */
function signatureLayer({
  key,
  reference,
  digest,
  critical = {},
  beside = () => ({}),
}: SignatureContent): readonly [Descriptor, Buffer] {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": reference },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
        ...critical,
      },
      optional: null,
    }),
  );
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(algorithm, payload, key);
  const annotations = { [ANNOTATION_SIGNATURE]: signature.toString("base64"), ...beside({ payload, signature }) };
  return [{ ...describe(payload, MEDIA_TYPE_SIMPLE_SIGNING), annotations }, payload];
}

/** Puts a manifest with signatures into a sink, as the image that it was opened for. */
export async function putSignatures(sink: ImageSink, signatures: readonly SignatureContent[]): Promise<Descriptor> {
  const layers = signatures.map(signatureLayer);
  const configContent = Buffer.from("{}");
  const config = describe(configContent, MEDIA_TYPE_IMAGE_CONFIG);
  for (const [descriptor, content] of [[config, configContent] as const, ...layers]) {
    await sink.putBlob(descriptor, () => bytes(content));
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_IMAGE_MANIFEST,
    config,
    layers: layers.map(([each]) => each),
  };
  const content = Buffer.from(JSON.stringify(manifest));
  const target = describe(content, MEDIA_TYPE_IMAGE_MANIFEST);
  await sink.putManifest(target, content);
  await sink.putName(undefined, target);
  await sink.finish();
  return target;
}

export function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

async function* bytes(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

function describe(content: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: `sha256:${createHash("sha256").update(content).digest("hex")}`, size: content.length };
}
