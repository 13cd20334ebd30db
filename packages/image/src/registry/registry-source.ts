import {
  type BlobOptions,
  type Descriptor,
  type DownloadOptions,
  digestEncoded,
  formatReference,
  type ImageSource,
  type Ingest,
  type OfferedImage,
  OrlopError,
  type Reference,
  type ReferrersOptions,
} from "@orlop/core";
import { contentHash, DOCUMENT_MAX_BYTES } from "../layout/verify-content.ts";
import { BlobLocation } from "./blob-request.ts";
import { downloadBlob } from "./download-blob.ts";
import { listTags } from "./list-tags.ts";
import { describeHead, describeManifest, isManifestType, MANIFEST_ACCEPT } from "./manifest-document.ts";
import { bodyChunks, readBody } from "./read-body.ts";
import { listReferrers } from "./referrers.ts";
import type { RegistryHosts } from "./registry-hosts.ts";
import type { RegistrySession } from "./registry-session.ts";
import { RetryBudget, withRetries } from "./retry-budget.ts";

/** One image in a registry, to be pulled. */
export class RegistrySource implements ImageSource {
  readonly name: string;
  readonly #reference: Reference;
  readonly #hosts: RegistryHosts;
  /** Manifests that came when their names were looked up, by digest: they need not be asked for again. */
  readonly #documents = new Map<string, Buffer>();

  /** Made by {@link RegistryClient.source}. */
  constructor(reference: Reference, hosts: RegistryHosts) {
    this.name = formatReference(reference);
    this.#reference = reference;
    this.#hosts = hosts;
  }

  async images(signal?: AbortSignal): Promise<readonly OfferedImage[]> {
    const target = await this.#hosts.first("resolve", (session) => this.#resolve(session, signal));
    return [{ name: formatReference(this.#reference), target }];
  }

  async document(descriptor: Descriptor, signal?: AbortSignal): Promise<Buffer> {
    const known = this.#documents.get(descriptor.digest);
    if (known !== undefined) return known;
    const content =
      descriptor.data === undefined
        ? await this.#hosts.first("pull", (session) => this.#readDocument(session, descriptor, signal))
        : Buffer.from(descriptor.data, "base64");
    verify(descriptor, content);
    return content;
  }

  async *blob(descriptor: Descriptor, { range, signal }: BlobOptions = {}): AsyncGenerator<Buffer> {
    const part = { ...(range ?? { offset: 0, length: descriptor.size }) };
    const session = await this.#hosts.first("pull", async (each) => each);
    const location = new BlobLocation(session, descriptor);
    const budget = new RetryBudget(session.limits);
    while (part.length > 0) {
      try {
        const { response, isWhole } = await location.open(part, { signal });
        let offset = isWhole ? 0 : part.offset;
        const limits = { doing: location.doing, stallMaxMs: session.limits.stallMaxMs, signal };
        for await (const chunk of bodyChunks(response, limits)) {
          const wanted = chunk.subarray(Math.max(0, part.offset - offset)).subarray(0, part.length);
          offset += chunk.length;
          if (wanted.length === 0) continue;
          part.offset += wanted.length;
          part.length -= wanted.length;
          budget.progress(wanted.length);
          yield wanted;
        }
        if (part.length > 0) throw location.cut(response, part.length);
      } catch (error) {
        await budget.failed(error, signal);
      }
    }
  }

  async download(descriptor: Descriptor, ingest: Ingest, options: DownloadOptions = {}): Promise<void> {
    await this.#hosts.first("pull", (session) => downloadBlob(session, descriptor, ingest, options));
  }

  async referrers(descriptor: Descriptor, options: ReferrersOptions = {}): Promise<readonly Descriptor[]> {
    return await this.#hosts.first("resolve", (session) => listReferrers(session, descriptor, options));
  }

  /** The tags of the repository, in the order of the registry. */
  async tags(signal?: AbortSignal): Promise<readonly string[]> {
    return await this.#hosts.first("resolve", (session) => listTags(session, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#documents.clear();
  }

  async #resolve(session: RegistrySession, signal: AbortSignal | undefined): Promise<Descriptor> {
    const { tag, digest } = this.#reference;
    const wanted = digest ?? tag ?? "latest";
    const request = {
      doing: `find image "${formatReference(this.#reference)}"`,
      target: `manifests/${wanted}`,
      headers: { accept: MANIFEST_ACCEPT },
      accept: [200],
      signal,
    };
    if (session.endpoint.countsPulls && digest === undefined) {
      const response = await session.request({ ...request, method: "HEAD", ignoreBody: true });
      const found = describeHead(request.doing, response);
      if (found !== undefined) return found;
    }
    const { response, content } = await getDocument(session, request);
    const descriptor = describeManifest(request.doing, response, content, digest);
    this.#documents.set(descriptor.digest, content);
    return descriptor;
  }

  async #readDocument(session: RegistrySession, descriptor: Descriptor, signal?: AbortSignal): Promise<Buffer> {
    const { digest, mediaType, size } = descriptor;
    const doing = `read document "${digest}"`;
    if (size > DOCUMENT_MAX_BYTES) {
      throw new OrlopError("exhausted", `Cannot ${doing}: it has ${size} bytes, more than ${DOCUMENT_MAX_BYTES}`);
    }
    const isManifest = isManifestType(mediaType);
    const { response, content } = await getDocument(session, {
      doing,
      target: `${isManifest ? "manifests" : "blobs"}/${digest}`,
      headers: isManifest ? { accept: `${mediaType}, ${MANIFEST_ACCEPT}` } : {},
      accept: [200],
      signal,
    });
    if (isManifest) describeManifest(doing, response, content, digest);
    return content;
  }
}

async function getDocument(
  session: RegistrySession,
  request: Omit<Parameters<RegistrySession["attempt"]>[0], "method">,
): Promise<{ response: Awaited<ReturnType<RegistrySession["attempt"]>>; content: Buffer }> {
  const { stallMaxMs } = session.limits;
  return await withRetries(session.limits, request.signal, async () => {
    const response = await session.attempt({ ...request, method: "GET" });
    const { doing, signal } = request;
    return { response, content: await readBody(response, { doing, stallMaxMs, signal, maxBytes: DOCUMENT_MAX_BYTES }) };
  });
}

function verify({ digest, size }: Descriptor, content: Buffer): void {
  const problem = content.length === size ? undefined : `it has ${content.length} bytes, its descriptor says ${size}`;
  const found = contentHash(digest, content);
  const wrong = problem ?? (found === digestEncoded(digest) ? undefined : `its content hashes to ${found}`);
  if (wrong !== undefined) throw new OrlopError("invalid", `Cannot use document "${digest}": ${wrong}`);
}
