import type { Hash } from "node:crypto";
import { type Descriptor, type Digest, digestAlgorithm, digestEncoded, OrlopError } from "@orlop/core";
import { sha256Hex } from "@orlop/kernel";

/** Manifests, indexes and configs; what registries allow too. */
export const DOCUMENT_MAX_BYTES: number = 4 * 1024 * 1024;

const HASHES: Readonly<Record<string, string>> = { sha256: "sha256", sha512: "sha512" };

/** A hash for digests of this one's algorithm. Throws `unsupported` for algorithms that cannot be verified. */
export function hashFor(digest: Digest): Hash {
  const name = HASHES[digestAlgorithm(digest)];
  // Loaded no sooner: it takes as long as making a container.
  if (name !== undefined) return process.getBuiltinModule("node:crypto").createHash(name);
  throw new OrlopError("unsupported", `Cannot verify content "${digest}": there are sha256 and sha512`);
}

/** What content that is whole hashes to, in the digits of a digest of this one's algorithm. Throws as `hashFor` does. */
export function contentHash(digest: Digest, content: Uint8Array): string {
  return digestAlgorithm(digest) === "sha256" ? sha256Hex(content) : hashFor(digest).update(content).digest("hex");
}

/** Of content that is made here. */
export function sha256Digest(content: string | Uint8Array): Digest {
  return `sha256:${sha256Hex(content)}`;
}

/** The chunks; the iteration throws at its end when they are not what the descriptor says, and as soon as they are more. */
export async function* verified(descriptor: Descriptor, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { digest, size } = descriptor;
  const hash = hashFor(digest);
  let length = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    length += chunk.length;
    if (length > size) throw wrongSize(digest, size, length);
    yield chunk;
  }
  verify(digest, size, length, () => hash.digest("hex"));
}

/** Throws where a document is not what its descriptor says. */
export function verifyContent({ digest, size }: Descriptor, content: Buffer): void {
  verify(digest, size, content.length, () => contentHash(digest, content));
}

function verify(digest: Digest, size: number, length: number, hash: () => string): void {
  if (length !== size) throw wrongSize(digest, size, length);
  const found = hash();
  if (found === digestEncoded(digest)) return;
  const operation = "verify content";
  throw new OrlopError("invalid", `Cannot use blob "${digest}": its content hashes to ${found}`, { operation });
}

function wrongSize(digest: Digest, size: number, length: number): OrlopError {
  const what = `it has ${length} bytes, its descriptor says ${size}`;
  return new OrlopError("invalid", `Cannot use blob "${digest}": ${what}`, { operation: "verify content" });
}

export function tooLarge(what: string): OrlopError {
  return new OrlopError("exhausted", `Cannot read "${what}": it has more than ${DOCUMENT_MAX_BYTES} bytes`);
}
