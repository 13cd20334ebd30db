/** What overlay itself keeps of its layers: a layer of ours that had some could make it show what is elsewhere. */
const OVERLAYS_OWN = /^(?:trusted|user)\.overlay\./;

/** Extended attributes that are not overlay's own. */
export function withoutOverlays(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs;
  return new Map([...xattrs].filter(([name]) => !OVERLAYS_OWN.test(name)));
}

/** Whether a directory with these attributes hides what the layers below have in it. */
export function isOpaque(xattrs: ReadonlyMap<string, Buffer>): boolean {
  return ["trusted", "user"].some((prefix) => xattrs.get(`${prefix}.overlay.opaque`)?.toString() === "y");
}

/** Whether overlay has copied a file with these attributes from a layer below (overlayfs.rst, "Inode properties"). */
export function isCopied(xattrs: ReadonlyMap<string, Buffer>): boolean {
  return ["trusted", "user"].some((prefix) => xattrs.has(`${prefix}.overlay.origin`));
}
