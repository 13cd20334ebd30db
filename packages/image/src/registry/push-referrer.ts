import {
  type Descriptor,
  type Digest,
  decodeIndex,
  decodeManifest,
  editIndex,
  type Index,
  type Manifest,
  MEDIA_TYPE_IMAGE_INDEX,
} from "@orlop/core";
import { DOCUMENT_MAX_BYTES } from "../layout/verify-content.ts";
import { isIndexType, MANIFEST_ACCEPT } from "./manifest-document.ts";
import { readBody } from "./read-body.ts";
import { referrersTag } from "./referrers.ts";
import type { RegistrySession } from "./registry-session.ts";

/** What a manifest or an index refers to, and how it is listed there. */
export interface Referrer {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/** Undefined for what refers to nothing. */
export function referrerOf(descriptor: Descriptor, content: Buffer): Referrer | undefined {
  const isIndex = isIndexType(descriptor.mediaType);
  const document: Index | Manifest = isIndex ? decodeIndex(content) : decodeManifest(content);
  const { subject, annotations, artifactType } = document;
  if (subject === undefined) return undefined;
  const { mediaType, digest, size } = descriptor;
  const type = artifactType ?? ("config" in document ? document.config.mediaType : undefined);
  return {
    subject: subject.digest,
    descriptor: {
      mediaType,
      digest,
      size,
      ...(annotations === undefined ? {} : { annotations }),
      ...(type === undefined ? {} : { artifactType: type }),
    },
  };
}

/**
 * Lists a manifest that was pushed in the index of what refers to its subject, where the registry does not do that by
 * itself (distribution-spec, "Pushing Manifests with Subject"). Who does the same at the same moment may be lost, as the
 * specification says.
 *
 * @throws OrlopError
 */
export async function listReferrer(
  session: RegistrySession,
  { subject, descriptor }: Referrer,
  signal?: AbortSignal,
): Promise<void> {
  const target = `manifests/${referrersTag(subject)}`;
  const doing = `list "${descriptor.digest}" with what refers to "${subject}"`;
  const present = await readIndex(session, doing, target, signal);
  const manifests = present === undefined ? [] : decodeIndex(present).manifests;
  if (manifests.some(({ digest }) => digest === descriptor.digest)) return;
  const empty = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests: [] });
  const body = editIndex(present ?? empty, { manifests: [...manifests, descriptor] });
  await session.request({
    doing,
    method: "PUT",
    target,
    headers: { "content-type": MEDIA_TYPE_IMAGE_INDEX },
    body,
    accept: [200, 201, 202],
    stallMaxMs: session.limits.commitMaxMs,
    ignoreBody: true,
    signal,
  });
}

async function readIndex(
  session: RegistrySession,
  doing: string,
  target: string,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const headers = { accept: MANIFEST_ACCEPT };
  const response = await session.request({ doing, method: "GET", target, headers, accept: [200, 404], signal });
  const { stallMaxMs } = session.limits;
  const content = await readBody(response, { doing, stallMaxMs, signal, maxBytes: DOCUMENT_MAX_BYTES });
  return response.status === 404 ? undefined : content;
}
