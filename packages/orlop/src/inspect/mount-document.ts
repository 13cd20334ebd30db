import type { Mount } from "@orlop/core";
import type { VolumeMount } from "@orlop/engine";
import { Struct } from "../format/template/value.ts";
import type { InspectedContainer } from "./container-document.ts";
import { documentOf } from "./document-of.ts";

/** A mount that the user, or the image, has asked for. */
export interface AskedMount extends Mount {
  readonly volume: VolumeMount | undefined;
}

export function askedMounts({
  container,
  spec,
}: Pick<InspectedContainer, "container" | "spec">): readonly AskedMount[] {
  const own = new Set(container.mountPoints);
  const volumes = new Map(container.volumes.map((volume) => [volume.destination, volume]));
  return (spec?.mounts ?? [])
    .filter(({ destination }) => volumes.has(destination) || !own.has(destination))
    .map((mount) => ({ ...mount, volume: volumes.get(mount.destination) }));
}

export function mountDocument(mount: AskedMount): Struct {
  const isBind = mount.type === "bind" && mount.volume === undefined;
  const propagation = mount.options?.find((option) => PROPAGATIONS.has(option));
  return new Struct([
    { name: "Type", value: mount.volume === undefined ? (mount.type ?? "") : "volume" },
    { name: "Name", value: mount.volume?.name ?? "", omitEmpty: true },
    ...documentOf({
      Source: mount.type === "bind" ? (mount.source ?? "") : "",
      Destination: mount.destination,
    }).fields,
    { name: "Driver", value: mount.volume === undefined ? "" : "local", omitEmpty: true },
    ...documentOf({ Mode: "", RW: !isReadOnly(mount), Propagation: isBind ? (propagation ?? "rprivate") : "" }).fields,
  ]);
}

export function isReadOnly({ options = [] }: Mount): boolean {
  return options.includes("ro") || options.includes("rro");
}

/** mount_namespaces(7); an `r` is for the mounts below as well. */
const PROPAGATIONS: ReadonlySet<string> = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
