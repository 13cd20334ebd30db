import type { Descriptor, Platform, Snapshotter } from "@orlop/core";
import { pullImage, StoreSource } from "@orlop/image";
import type { Depot } from "../store/open-depot.ts";

interface UnpackOptions {
  readonly platform: Platform;
  readonly snapshotter: Snapshotter;
  /** Keeps what comes of it. */
  readonly lease: string;
}

/** Makes snapshots of the layers of an image that is here, and never was unpacked, or by another snapshotter. */
export async function unpackStored(depot: Depot, target: Descriptor, options: UnpackOptions): Promise<void> {
  await pullImage(new StoreSource(depot.content, [{ target }]), depot, { target }, options);
}
