import type { Mount } from "@orlop/core";
import type { Struct } from "../format/template/value.ts";
import type { InspectedContainer } from "./container-document.ts";
import { documentOf } from "./document-of.ts";

/** Mounts that the user has asked for. */
export function askedMounts({ container, spec }: Pick<InspectedContainer, "container" | "spec">): readonly Mount[] {
  const own = new Set(container.mountPoints);
  return (spec?.mounts ?? []).filter(({ destination }) => !own.has(destination));
}

export function mountDocument(mount: Mount): Struct {
  const isBind = mount.type === "bind";
  const propagation = mount.options?.find((option) => PROPAGATIONS.has(option));
  return documentOf({
    Type: mount.type ?? "",
    Source: isBind ? (mount.source ?? "") : "",
    Destination: mount.destination,
    Mode: "",
    RW: !isReadOnly(mount),
    Propagation: isBind ? (propagation ?? "rprivate") : "",
  });
}

export function isReadOnly({ options = [] }: Mount): boolean {
  return options.includes("ro") || options.includes("rro");
}

/** mount_namespaces(7); an `r` is for the mounts below as well. */
const PROPAGATIONS: ReadonlySet<string> = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
