import { familiarReference } from "@orlop/core";
import type { OpenEngine } from "../../containers/open-engine.ts";
import { parseImageReference } from "../../image/image-reference.ts";
import { nameOf } from "../../images/image-name.ts";
import { type Image, listImages } from "../../images/list-images.ts";
import { removeImage } from "../../images/rmi-command.ts";
import { pull } from "../../transfer/pull.ts";

/** An image of this machine. */
export interface ImageInfo {
  /** Digest of its config: `sha256:...`. */
  readonly id: string;
  /** As people write them: `debian:bookworm`. */
  readonly names: readonly string[];
  /** Unix time in milliseconds; undefined where it does not say. */
  readonly createdAtMs: number | undefined;
}

/** The images of this user on this machine. */
export class EngineImages {
  readonly #open: OpenEngine;

  /** @internal */
  constructor(open: OpenEngine) {
    this.#open = open;
  }

  /** Those made last first. */
  async list(): Promise<readonly ImageInfo[]> {
    return (await listImages(this.#open.depot)).map(imageInfo);
  }

  /**
   * Brings an image here, or the newest of its name.
   *
   * @param image as the command line names it: a name, `oci:PATH`, `docker-archive:PATH`, `debian:SUITE?packages=...`
   * @returns the digest of its manifest
   * @throws OrlopError `invalid`, `not-found`, `denied`, `cancelled`, `failed`
   */
  async pull(image: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<string> {
    const { depot, machine } = this.#open;
    const reference = parseImageReference(image, machine.cwd);
    const pulled = await pull(depot, { reference, quiet: true, ...(signal === undefined ? {} : { signal }) });
    return pulled.target.digest;
  }

  /**
   * By its name it loses that name, and goes when it has no other; by its id it goes.
   *
   * @throws OrlopError `not-found`; `conflict` for one that a container uses, or that has several names, unless `force`
   */
  async remove(image: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const { depot, engine } = this.#open;
    for await (const _ of removeImage(depot, image, force, await engine.list()));
    await depot.collectGarbage();
  }
}

function imageInfo({ id, records, createdAtMs }: Image): ImageInfo {
  const names = records.flatMap((record) => nameOf(record) ?? []).map(familiarReference);
  return { id, names, createdAtMs };
}
