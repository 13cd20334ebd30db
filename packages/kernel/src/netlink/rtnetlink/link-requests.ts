import { OrlopError } from "@orlop/core";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from "../message.ts";
import { changeRequest, dumpRequest, getRequest, type NetlinkRequest } from "../request.ts";
import type { Variant } from "../variant.ts";
import { decodeLink, type Link, type LinkAttributes, type LinkProtocols, linkBody } from "./link.ts";
import type { BasicLinkAttributes, InterfaceFlags, LinkHeader } from "./link-attributes.ts";
import type { LinkKinds, PortKinds } from "./link-kind.ts";
import { describeLinkTarget, type LinkTarget, linkTarget } from "./link-target.ts";
import { RTM_DELLINK, RTM_DELLINKPROP, RTM_GETLINK, RTM_NEWLINK, RTM_NEWLINKPROP } from "./message-types.ts";

/** Attributes that a caller may give a link. */
export type LinkSettings = Pick<
  BasicLinkAttributes,
  | "address"
  | "broadcast"
  | "mtu"
  | "link"
  | "master"
  | "transmitQueueLength"
  | "netnsPid"
  | "netnsFd"
  | "alias"
  | "group"
  | "linkNetnsId"
> & {
  readonly up?: boolean;
  readonly protocols?: LinkProtocols;
};

/** A link to be made. */
export type NewLink = LinkSettings &
  Pick<BasicLinkAttributes, "transmitQueues" | "receiveQueues"> & {
    readonly name: string;
    /** Interface index that the link gets; left out, the next free one. */
    readonly index?: number;
    readonly kind: Variant<LinkKinds>;
  };

/** What changes on a link. `netnsPid` and `netnsFd` move it; `newIndex` is its index there (Linux 5.12). */
export type LinkChange = LinkSettings &
  Pick<BasicLinkAttributes, "newIndex"> & {
    /** A new name; the link must then be given by index, and be down before Linux 6.2. */
    readonly name?: string;
    /** Flags to set and to clear beside `up`: `IFF_PROMISC`, `IFF_NOARP`. */
    readonly set?: InterfaceFlags;
    readonly clear?: InterfaceFlags;
    /** Options of the kind of link it is. */
    readonly kind?: Variant<LinkKinds>;
    /** Options of the port it is. */
    readonly port?: Variant<PortKinds>;
  };

/** `ip link add`. EEXIST (OrlopError code "exists") when the name is taken. */
export function createLink(link: NewLink): NetlinkRequest {
  const { name, index, kind, up, ...rest } = link;
  const value = {
    ...(index === undefined ? {} : { index }),
    ...flagChange({ ...(up === undefined ? {} : { up }) }),
    ...rest,
    name,
    info: { own: kind },
  };
  return changeRequest({
    operation: `create ${kind.kind === "unknown" ? kind.name : kind.kind} link`,
    object: name,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    write: (to) => linkBody.write(value, to),
  });
}

/** `ip link set`. */
export function changeLink(target: LinkTarget, change: LinkChange): NetlinkRequest {
  const { up, set, clear, kind, port, ...rest } = change;
  if (typeof target === "string" && change.name !== undefined) {
    throw new OrlopError(
      "invalid",
      `Cannot rename link "${target}": a link that is given by its name cannot get another in the same message\nTry its index.`,
      { operation: "change link" },
    );
  }
  const value: Partial<LinkHeader> & LinkAttributes = { ...linkTarget(target), ...flagChange(change), ...rest };
  const info = { ...(kind === undefined ? {} : { own: kind }), ...(port === undefined ? {} : { port }) };
  const whole = kind === undefined && port === undefined ? value : { ...value, info };
  return changeRequest({
    operation: "change link",
    object: describeLinkTarget(target),
    type: RTM_NEWLINK,
    write: (to) => linkBody.write(whole, to),
  });
}

/** `ip link del`. The other end of a veth goes with it, and everything that stands on it. */
export function deleteLink(target: LinkTarget): NetlinkRequest {
  return changeRequest({
    operation: "delete link",
    object: describeLinkTarget(target),
    type: RTM_DELLINK,
    write: (to) => linkBody.write(linkTarget(target), to),
  });
}

/** One link; not-found (ENODEV) when there is none. */
export function getLink(target: LinkTarget): NetlinkRequest<Link> {
  return getRequest({
    operation: "read link",
    object: describeLinkTarget(target),
    type: RTM_GETLINK,
    write: (to) => linkBody.write(linkTarget(target), to),
    decode: decodeLink,
  });
}

/** What `listLinks` asks for; both filters are applied by the kernel. */
export interface LinkFilter {
  /** Only ports of this bridge or bond, by interface index. */
  readonly master?: number;
  /** Only links of this kind: `veth`. */
  readonly kind?: string;
  /** Leave `statistics` out: the kernel then need not sum them up. */
  readonly withoutStatistics?: boolean;
}

/** All links of the namespace. */
export function listLinks(filter: LinkFilter = {}): NetlinkRequest<Link> {
  const { master, kind, withoutStatistics } = filter;
  const value: LinkAttributes = {
    ...(withoutStatistics === true ? { extendedMask: ["RTEXT_FILTER_SKIP_STATS"] } : {}),
    ...(master === undefined ? {} : { master }),
    ...(kind === undefined ? {} : { info: { own: { kind: "unknown", name: kind } } }),
  };
  return dumpRequest({
    operation: "list links",
    object: "",
    type: RTM_GETLINK,
    write: (to) => linkBody.write(value, to),
    decode: decodeLink,
  });
}

/** `ip link property add altname`. Linux 5.5. */
export function addAlternativeName(target: LinkTarget, name: string): NetlinkRequest {
  return changeRequest({
    operation: `add alternative name "${name}" to link`,
    object: describeLinkTarget(target),
    type: RTM_NEWLINKPROP,
    flags: NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND,
    write: (to) => linkBody.write({ ...linkTarget(target), alternativeNames: [name] }, to),
  });
}

/** `ip link property del altname`. */
export function deleteAlternativeName(target: LinkTarget, name: string): NetlinkRequest {
  return changeRequest({
    operation: `delete alternative name "${name}" of link`,
    object: describeLinkTarget(target),
    type: RTM_DELLINKPROP,
    write: (to) => linkBody.write({ ...linkTarget(target), alternativeNames: [name] }, to),
  });
}

function flagChange(change: { up?: boolean; set?: InterfaceFlags; clear?: InterfaceFlags }): Partial<LinkHeader> {
  const set: InterfaceFlags = [...(change.up === true ? (["IFF_UP"] as const) : []), ...(change.set ?? [])];
  const clear: InterfaceFlags = [...(change.up === false ? (["IFF_UP"] as const) : []), ...(change.clear ?? [])];
  return set.length + clear.length === 0 ? {} : { flags: set, change: [...set, ...clear] };
}
