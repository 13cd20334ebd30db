import type { VolumeMount } from "@orlop/engine";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { Image } from "../image/image.ts";
import type { RequestedMount } from "../run/requested-mount.ts";
import type { RunOptions } from "../run/run-options.ts";
import { parseTmpfs } from "../run/tmpfs-flag.ts";
import { volumeMount } from "../run/volume-flag.ts";
import { fillVolume } from "./fill-volume.ts";
import { mountsFrom } from "./mounts-from.ts";

interface PreparedVolumes {
  /** What was asked for, with the directories of volumes for sources. */
  readonly mounts: readonly RequestedMount[];
  readonly volumes: readonly VolumeMount[];
}

/** Makes the volumes of a container that are not there yet: those that are asked for, and those that its image wants. */
export async function prepareVolumes(
  open: OpenEngine,
  { mounts, volumesFrom = [], imageVolumes }: RunOptions,
  image: Image,
): Promise<PreparedVolumes> {
  const byPlace = new Map(mounts.map((each) => [each.mount.destination, each]));
  // Of several at one place docker takes the first.
  const add = (each: RequestedMount): void => {
    if (!byPlace.has(each.mount.destination)) byPlace.set(each.mount.destination, each);
  };
  for (const from of volumesFrom) for (const each of await mountsFrom(open.engine, from)) add(each);
  if (imageVolumes !== "ignore") {
    for (const path of Object.keys(image.config.Volumes ?? {})) {
      const asVolume = volumeMount(undefined, path, { readonly: false, copies: true });
      add(imageVolumes === "tmpfs" ? parseTmpfs(`${path}:exec,mode=1777`) : asVolume);
    }
  }
  const prepared: RequestedMount[] = [];
  const volumes: VolumeMount[] = [];
  for (const each of byPlace.values()) {
    const { mount, volume: asked } = each;
    if (asked === undefined) {
      prepared.push(each);
      continue;
    }
    const { destination } = mount;
    const fill = asked.copies ? (path: string) => fillVolume(open, image, destination, path) : undefined;
    const { name, path, isAnonymous } = await open.engine.volumes.ensure(asked.name, fill && { fill });
    volumes.push({ name, destination, isAnonymous });
    prepared.push({ mount: { ...mount, source: path }, ...(each.isGiven === true ? { isGiven: true } : {}) });
  }
  return { mounts: prepared, volumes };
}
