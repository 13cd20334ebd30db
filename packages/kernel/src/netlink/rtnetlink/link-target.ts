import { interfaceNameMaxBytes } from "../limits.ts";

/** Which link: its interface index, its name, or one of its alternative names (those are longer than 15 bytes or not). */
export type LinkTarget = number | string;

/** The header fields and attributes that name a link. */
export function linkTarget(target: LinkTarget): { index: number } | { name: string } | { alternativeName: string } {
  if (typeof target === "number") return { index: target };
  // IFLA_IFNAME also finds alternative names since Linux 5.5, but cannot hold long ones.
  return target.length < interfaceNameMaxBytes ? { name: target } : { alternativeName: target };
}

/** For errors: `br0`, or `index 3`. */
export function describeLinkTarget(target: LinkTarget): string {
  return typeof target === "number" ? `index ${target}` : target;
}
