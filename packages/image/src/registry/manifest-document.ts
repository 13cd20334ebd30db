import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestEncoded,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  parseDigest,
} from "@orlop/core";
import { contentHash, sha256Digest } from "../layout/verify-content.ts";
import { printable } from "./answer-error.ts";
import type { HttpResponse } from "./http/http-exchange.ts";

const MANIFEST_TYPES: readonly string[] = [
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_DOCKER_MANIFEST,
];
/** What a manifest is asked for as; anything else at last, so that what is wrong can be named. */
export const MANIFEST_ACCEPT: string = [...MANIFEST_TYPES, "*/*;q=0.1"].join(", ");

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;
/** Media types of servers that do not tell. */
const UNTOLD: ReadonlySet<string> = new Set([
  "",
  "application/json",
  "application/octet-stream",
  "text/plain",
  "text/html",
]);

/** Whether content of this type is read under `/manifests/`. */
export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

/**
 * The descriptor of a manifest's content as it came: its digest is computed, and has to be the one asked for and the one
 * that the server names; its media type has to be the server's and the document's own.
 *
 * @throws OrlopError
 */
export function describeManifest(
  doing: string,
  response: HttpResponse,
  content: Buffer,
  wanted: Digest | undefined,
): Descriptor {
  const named = namedDigest(doing, response);
  for (const digest of [wanted, named]) {
    if (digest === undefined) continue;
    const found = contentHash(digest, content);
    if (found !== digestEncoded(digest)) {
      throw refused(doing, `${response.url.host} names it ${digest}, and its content hashes to ${found}`);
    }
  }
  const mediaType = documentType(doing, response, content);
  return { mediaType, digest: wanted ?? named ?? sha256Digest(content), size: content.length };
}

/** Of several manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_IMAGE_INDEX || mediaType === MEDIA_TYPE_DOCKER_MANIFEST_LIST;
}

/** The descriptor that the head of an answer gives; undefined when it does not say enough. */
export function describeHead(doing: string, response: HttpResponse): Descriptor | undefined {
  const digest = namedDigest(doing, response);
  const mediaType = contentType(response);
  refuseSchema1(doing, mediaType);
  const length = response.headers["content-length"];
  if (digest === undefined || !isManifestType(mediaType) || length === undefined || !/^\d{1,9}$/.test(length)) {
    return undefined;
  }
  return { mediaType, digest, size: Number(length) };
}

/** `Docker-Content-Digest`, where it can be verified. */
export function namedDigest(doing: string, response: HttpResponse): Digest | undefined {
  const value = response.headers["docker-content-digest"];
  if (value === undefined) return undefined;
  let digest: Digest;
  try {
    digest = parseDigest(value);
  } catch {
    throw refused(doing, `${response.url.host} names it ${JSON.stringify(printable(value))}, which is no digest`);
  }
  return ["sha256", "sha512"].includes(digestAlgorithm(digest)) ? digest : undefined;
}

/** A document that says another type than the server means other images to other readers (CVE-2021-41190). */
function documentType(doing: string, response: HttpResponse, content: Buffer): string {
  const told = contentType(response);
  refuseSchema1(doing, told);
  const { mediaType, schemaVersion, manifests, layers } = membersOf(doing, content);
  if (schemaVersion === 1) throw schema1(doing);
  const own = typeof mediaType === "string" ? mediaType : undefined;
  if (UNTOLD.has(told)) {
    if (own !== undefined) return own;
    if (Array.isArray(manifests)) return MEDIA_TYPE_IMAGE_INDEX;
    if (Array.isArray(layers)) return MEDIA_TYPE_IMAGE_MANIFEST;
    throw refused(doing, `${response.url.host} does not say what it is, nor does it itself`);
  }
  if (own !== undefined && own !== told) {
    throw refused(doing, `${response.url.host} says it is ${printable(told)}, and it says it is ${printable(own)}`);
  }
  return told;
}

function membersOf(doing: string, content: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  throw refused(doing, "what came is no JSON object");
}

function contentType(response: HttpResponse): string {
  return (response.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function refuseSchema1(doing: string, mediaType: string): void {
  if (SCHEMA_1.test(mediaType)) throw schema1(doing);
}

function schema1(doing: string): OrlopError {
  const problem = "it is of schema 1, which nobody has written since 2017 and whose layers cannot be verified";
  return new OrlopError("unsupported", `Cannot ${doing}: ${problem}\nTry pushing the image anew with a present tool.`);
}

function refused(doing: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot ${doing}: ${problem}`, { operation: "talk to a registry" });
}
