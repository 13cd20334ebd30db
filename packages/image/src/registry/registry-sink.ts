import {
  type Descriptor,
  type DownloadOptions,
  formatReference,
  type ImageSink,
  OrlopError,
  parseReference,
  type Reference,
} from "@orlop/core";
import { isManifestType, namedDigest } from "./manifest-document.ts";
import { listReferrer, type Referrer, referrerOf } from "./push-referrer.ts";
import type { RegistryHosts } from "./registry-hosts.ts";
import type { RegistrySession } from "./registry-session.ts";
import { type BlobContent, uploadBlob } from "./upload-blob.ts";

export interface RegistrySinkOptions {
  /** Repositories of the same registry that may hold a blob, so that it need not be sent (distribution-spec, "Mounting"). */
  readonly mountFrom?: (descriptor: Descriptor) => readonly string[];
}

/** One image in a registry, to be pushed. */
export class RegistrySink implements ImageSink {
  readonly name: string;
  readonly #reference: Reference;
  readonly #hosts: RegistryHosts;
  readonly #mountFrom: (descriptor: Descriptor) => readonly string[];
  /** What was put, for the names that it gets. */
  readonly #manifests = new Map<string, Buffer>();

  /** Made by {@link RegistryClient.sink}. */
  constructor(reference: Reference, hosts: RegistryHosts, { mountFrom = () => [] }: RegistrySinkOptions = {}) {
    this.name = `${reference.registry}/${reference.repository}`;
    this.#reference = reference;
    this.#hosts = hosts;
    this.#mountFrom = mountFrom;
  }

  async has({ digest, mediaType }: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const isManifest = isManifestType(mediaType);
    return await this.#hosts.first("push", async (session) => {
      const response = await session.request({
        doing: `look for "${digest}"`,
        method: "HEAD",
        target: `${isManifest ? "manifests" : "blobs"}/${digest}`,
        headers: isManifest ? { accept: mediaType } : {},
        accept: [200, 404],
        ignoreBody: true,
        signal,
      });
      return response.status === 200;
    });
  }

  async putBlob(descriptor: Descriptor, open: BlobContent, options: DownloadOptions = {}): Promise<void> {
    const mountFrom = this.#mountFrom(descriptor).filter((each) => each !== this.#reference.repository);
    await this.#hosts.first("push", (session) => uploadBlob(session, { descriptor, open, mountFrom, ...options }));
  }

  async putManifest(descriptor: Descriptor, content: Buffer, signal?: AbortSignal): Promise<void> {
    this.#manifests.set(descriptor.digest, content);
    await this.#put(descriptor, descriptor.digest, content, { referrer: referrerOf(descriptor, content), signal });
  }

  async putName(name: string | undefined, target: Descriptor, signal?: AbortSignal): Promise<void> {
    const { registry, repository, tag } = name === undefined ? this.#reference : parseReference(name);
    if (registry !== this.#reference.registry || repository !== this.#reference.repository) {
      throw new OrlopError("invalid", `Cannot push as "${name}": this is ${this.name}`);
    }
    // An image that is pushed by its digest alone has that name already.
    if (tag === undefined) return;
    const content = this.#manifests.get(target.digest);
    if (content === undefined) {
      throw new OrlopError("internal", `Cannot tag "${target.digest}": its manifest was not put before`);
    }
    await this.#put(target, tag, content, { signal });
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#manifests.clear();
  }

  async #put(
    { digest, mediaType }: Descriptor,
    name: string,
    content: Buffer,
    { referrer, signal }: { readonly referrer?: Referrer | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const doing = `push manifest "${name}" of "${formatReference({ ...this.#reference })}"`;
    await this.#hosts.first("push", async (session: RegistrySession) => {
      const response = await session.request({
        doing,
        method: "PUT",
        target: `manifests/${name}`,
        headers: { "content-type": mediaType },
        body: content,
        accept: [200, 201, 202],
        stallMaxMs: session.limits.commitMaxMs,
        ignoreBody: true,
        signal,
      });
      const named = namedDigest(doing, response);
      if (named !== undefined && named !== digest) {
        throw new OrlopError("invalid", `Cannot ${doing}: ${response.url.host} names it ${named}, it is ${digest}`);
      }
      // By this header a registry says that it keeps the list.
      if (referrer === undefined || response.headers["oci-subject"] === referrer.subject) return;
      await listReferrer(session, referrer, signal);
    });
  }
}
