import type { Stats } from "node:fs";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDestination, type RequestedMount } from "../run/requested-mount.ts";
import { volumeMount } from "../run/volume-flag.ts";
import type { KubeContainer } from "./documents/kube-container.ts";
import { refusal } from "./documents/kube-node.ts";
import type { HostPathType, KubeVolume } from "./documents/kube-volume.ts";

/** Makes directories and files of a pod's own volumes, below a directory that goes with the pod. */
export function writeVolumes(directory: string, volumes: ReadonlyMap<string, KubeVolume>): void {
  for (const volume of volumes.values()) {
    if (volume.kind !== "empty" && volume.kind !== "files") continue;
    const place = join(directory, volume.name);
    mkdirSync(place, { recursive: true });
    // Whatever the umask: users of containers are anybody.
    chmodSync(place, volume.kind === "empty" ? 0o777 : 0o755);
    for (const { path, content, mode } of volume.kind === "files" ? volume.files : []) {
      const file = join(place, path);
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
      writeFileSync(file, content, { flag: "wx" });
      chmodSync(file, mode);
    }
  }
}

/** @param directory as of {@link writeVolumes} */
export function requestedMounts(
  { mounts }: KubeContainer,
  volumes: ReadonlyMap<string, KubeVolume>,
  directory: string,
): readonly RequestedMount[] {
  return mounts.map(({ volume: name, destination, readonly, propagation, path }) => {
    const volume = volumes.get(name);
    if (volume === undefined) throw refusal("invalid", `${path}.name`, `there is no volume ${JSON.stringify(name)}`);
    const isReadonly = readonly || volume.kind === "files" || (volume.kind === "claim" && volume.readonly);
    if (volume.kind === "claim") {
      return volumeMount(volume.volume, destination, { readonly: isReadonly, copies: false });
    }
    const source = volume.kind === "host" ? volume.path : join(directory, volume.name);
    if (volume.kind === "host") checkHostPath(volume.path, volume.expects, path);
    return {
      mount: {
        destination: parseDestination(destination),
        type: "bind",
        source,
        options: ["rbind", ...(isReadonly ? ["rro"] : []), propagation],
      },
      ...(volume.kind === "host" && volume.expects === "DirectoryOrCreate" ? { createSource: true } : {}),
    };
  });
}

const IS: Readonly<Record<Exclude<HostPathType, "">, (stats: Stats) => boolean>> = {
  DirectoryOrCreate: (stats) => stats.isDirectory(),
  Directory: (stats) => stats.isDirectory(),
  File: (stats) => stats.isFile(),
  Socket: (stats) => stats.isSocket(),
  CharDevice: (stats) => stats.isCharacterDevice(),
  BlockDevice: (stats) => stats.isBlockDevice(),
};

function checkHostPath(path: string, expects: HostPathType, field: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (expects === "DirectoryOrCreate") return;
    throw refusal("not-found", field, `there is no ${JSON.stringify(path)}`);
  }
  if (expects !== "" && !IS[expects](stats))
    throw refusal("invalid", field, `${JSON.stringify(path)} is no ${expects}`);
}
