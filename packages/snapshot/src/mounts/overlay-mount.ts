import type { SnapshotMount } from "@orlop/core";

interface OverlayDirectories {
  /** The uppermost first. */
  readonly lower: readonly string[];
  readonly writes?: { readonly upper: string; readonly work: string };
  readonly userxattr?: boolean;
}

/** A mount of type overlay; without `writes` it can only be read. */
export function overlayMount({ lower, writes, userxattr = false }: OverlayDirectories): SnapshotMount {
  const written = writes === undefined ? [] : [`upperdir=${writes.upper}`, `workdir=${writes.work}`];
  const options = [`lowerdir=${lower.map(escapeLayer).join(":")}`, ...written, ...(userxattr ? ["userxattr"] : [])];
  return { type: "overlay", source: "overlay", options };
}

export function bindMount(source: string, isReadonly: boolean): SnapshotMount {
  return { type: "bind", source, options: [isReadonly ? "ro" : "rw", "rbind"] };
}

/** Overlay tells layers apart by colons (overlayfs.rst, "Multiple lower layers"). */
function escapeLayer(path: string): string {
  return path.replaceAll(/[\\:]/g, "\\$&");
}

/** The layers that a `lowerdir` names. */
export function splitLayers(lowerdir: string): readonly string[] {
  if (!lowerdir.includes("\\")) return lowerdir.split(":").filter((layer) => layer !== "");
  const layers = lowerdir.match(/(?:\\.|[^:\\])+/gs) ?? [];
  return layers.map((layer) => layer.replaceAll(/\\(.)/gs, "$1"));
}
