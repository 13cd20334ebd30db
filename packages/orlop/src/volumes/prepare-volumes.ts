import type { VolumeMount } from "@orlop/engine";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { Image } from "../image/image.ts";
import type { RequestedMount } from "../run/requested-mount.ts";
import type { RunOptions } from "../run/run-options.ts";
import { volumeMount } from "../run/volume-flag.ts";
import { fillVolume } from "./fill-volume.ts";

interface PreparedVolumes {
  /** What was asked for, with the directories of volumes for sources. */
  readonly mounts: readonly RequestedMount[];
  readonly volumes: readonly VolumeMount[];
}

/** Makes the volumes of a container that are not there yet: those that are asked for, and those that its image wants. */
export async function prepareVolumes(open: OpenEngine, { mounts }: RunOptions, image: Image): Promise<PreparedVolumes> {
  const taken = new Set(mounts.map(({ mount }) => mount.destination));
  const wanted = Object.keys(image.config.Volumes ?? {})
    .map((path) => volumeMount(undefined, path, { readonly: false, copies: true }))
    .filter(({ mount }) => !taken.has(mount.destination));
  const prepared: RequestedMount[] = [];
  const volumes: VolumeMount[] = [];
  for (const each of [...mounts, ...wanted]) {
    const { mount, volume: asked } = each;
    if (asked === undefined) {
      prepared.push(each);
      continue;
    }
    const { destination } = mount;
    const fill = asked.copies ? (path: string) => fillVolume(open, image, destination, path) : undefined;
    const { name, path, isAnonymous } = await open.engine.volumes.ensure(asked.name, fill && { fill });
    volumes.push({ name, destination, isAnonymous });
    prepared.push({ mount: { ...mount, source: path } });
  }
  return { mounts: prepared, volumes };
}
