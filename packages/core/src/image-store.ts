import type { Labels } from "./content.ts";
import type { Descriptor } from "./oci/image-spec.ts";

/** A name for an image of the content store. */
export interface ImageRecord {
  /** In full, with a tag or a digest: `docker.io/library/busybox:latest`. */
  readonly name: string;
  /** A manifest, or an index of those. */
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** The `ImageStore` contract: names of images. What a name's target refers to is kept by garbage collection. */
export interface ImageStore {
  /** @throws OrlopError `not-found` */
  get(name: string): Promise<ImageRecord>;
  /** Sorted by name. */
  list(): Promise<readonly ImageRecord[]>;
  /** Makes the name, or has it name another target from now on. */
  put(name: string, target: Descriptor, labels?: Labels): Promise<ImageRecord>;
  /** @throws OrlopError `not-found` */
  delete(name: string): Promise<void>;
}

/** What a lease keeps: a blob by its digest, or a snapshot by its key and its snapshotter's name. */
export type LeaseResource =
  | { readonly kind: "content"; readonly digest: string }
  | { readonly kind: "snapshot"; readonly snapshotter: string; readonly key: string };

export interface Lease {
  readonly id: string;
  readonly createdAtMs: number;
  /** Absent: it ends with the process that made it, or when it is deleted. */
  readonly expiresAtMs?: number;
  readonly labels: Labels;
}

export interface LeaseOptions {
  readonly id?: string;
  readonly expiresInMs?: number;
  /** Mark of the process that it ends with, where it does not expire; absent: this one's. */
  readonly processMark?: string;
  readonly labels?: Labels;
  /** What it keeps from the beginning, in the same step. */
  readonly resources?: readonly LeaseResource[];
}

/**
 * The `LeaseStore` contract. A lease keeps what nothing refers to yet: an image that is being pulled, a snapshot that is
 * being prepared. It ends when it is deleted, when it expires, and, without an expiry, when its process is gone.
 */
export interface LeaseStore {
  create(options?: LeaseOptions): Promise<Lease>;
  /** A lease that is not there is no error. */
  delete(id: string): Promise<void>;
  list(): Promise<readonly Lease[]>;
  /** @throws OrlopError `not-found` for an unknown lease */
  add(id: string, resource: LeaseResource): Promise<void>;
  remove(id: string, resource: LeaseResource): Promise<void>;
  resources(id: string): Promise<readonly LeaseResource[]>;
}
