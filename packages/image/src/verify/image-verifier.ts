import type { Descriptor, ImageSource } from "@orlop/core";

/** An image that may be brought. */
export interface ImageToVerify {
  /** In full; undefined for one without a name. */
  readonly name: string | undefined;
  /** What its name stands for now: a manifest, or an index of those. */
  readonly target: Descriptor;
  /** The manifests that come of an index; of a manifest that one. */
  readonly manifests: () => Promise<readonly Descriptor[]>;
  /** Where it comes from. */
  readonly source: ImageSource;
  readonly signal?: AbortSignal;
}

/**
 * Decides whether an image may come here, before anything of it has.
 *
 * @throws OrlopError `denied` with the reason for an image that may not, anything else where that cannot be told
 */
export type ImageVerifier = (image: ImageToVerify) => Promise<void>;
