import { formatIpAddress, lastAddressOf, parseIpPrefix } from "../ip-address.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../message.ts";
import { changeRequest, dumpRequest, type NetlinkRequest } from "../request.ts";
import {
  type Address,
  type AddressAttributes,
  type AddressFlags,
  type AddressHeader,
  addressBody,
  addressFlagNames,
  decodeAddress,
} from "./address.ts";
import { familyOf } from "./address-family.ts";
import { RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR } from "./message-types.ts";
import type { Scope } from "./scope.ts";

/** An address for an interface. */
export interface NewAddress {
  /** Interface index. */
  readonly index: number;
  /** With the length of the network on the link: `10.0.0.1/24`. */
  readonly address: string;
  /** The other end of a point-to-point link, with prefix length: `10.0.3.2/32`. */
  readonly peer?: string;
  /** IPv4 broadcast address, or `"+"` for the last one of the network. Left out, the kernel keeps none. */
  readonly broadcast?: string;
  readonly label?: string;
  /** Default: `RT_SCOPE_HOST` for 127.0.0.0/8, `RT_SCOPE_UNIVERSE` otherwise. */
  readonly scope?: Scope;
  /** `IFA_F_NODAD` makes an IPv6 address usable at once: no other host can have it in a namespace of our own. */
  readonly flags?: AddressFlags;
  readonly metric?: number;
  /** Default for ever. */
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
}

const FOREVER = 0xffff_ffff;

/** `ip addr add`; with `replace`, `ip addr replace`. */
export function addAddress(address: NewAddress, options: { readonly replace?: boolean } = {}): NetlinkRequest {
  const value = { ...wireAddress(address), ...optionalParts(address) };
  return changeRequest({
    operation: "add address",
    object: address.address,
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | (options.replace === true ? NLM_F_REPLACE : NLM_F_EXCL),
    write: (to) => addressBody.write(value, to),
  });
}

/** `ip addr del`. */
export function deleteAddress(address: Pick<NewAddress, "index" | "address" | "peer">): NetlinkRequest {
  const value = wireAddress(address);
  return changeRequest({
    operation: "delete address",
    object: address.address,
    type: RTM_DELADDR,
    write: (to) => addressBody.write(value, to),
  });
}

export interface AddressFilter {
  readonly family?: "AF_INET" | "AF_INET6";
  readonly index?: number;
}

/** All addresses of the namespace, or those of one family or interface. */
export function listAddresses(filter: AddressFilter = {}): NetlinkRequest<Address> {
  return dumpRequest({
    operation: "list addresses",
    object: "",
    type: RTM_GETADDR,
    write: (to) => addressBody.write(filter, to),
    decode(message) {
      const address = decodeAddress(message);
      // Without NETLINK_GET_STRICT_CHK the kernel lists every interface.
      return filter.index === undefined || filter.index === address.index ? address : undefined;
    },
  });
}

function wireAddress(
  address: Pick<NewAddress, "index" | "address" | "peer" | "scope">,
): Partial<AddressHeader> & AddressAttributes {
  const own = parseIpPrefix(address.address);
  const other = address.peer === undefined ? own : parseIpPrefix(address.peer);
  const loopback = own.version === 4 && own.bytes[0] === 127;
  return {
    family: familyOf(own),
    prefixLength: other.prefixLength,
    scope: address.scope ?? (loopback ? "RT_SCOPE_HOST" : "RT_SCOPE_UNIVERSE"),
    index: address.index,
    local: formatIpAddress(own.bytes),
    address: formatIpAddress(other.bytes),
  };
}

function optionalParts(address: NewAddress): Partial<AddressHeader> & AddressAttributes {
  const { broadcast, label, flags = [], metric, validSeconds = FOREVER, preferredSeconds = FOREVER } = address;
  const low = flags.filter((name) => bitOf(name) <= 0xff);
  const network = parseIpPrefix(address.address);
  return {
    lowFlags: low,
    ...(broadcast === undefined
      ? {}
      : { broadcast: broadcast === "+" ? formatIpAddress(lastAddressOf(network).bytes) : broadcast }),
    ...(label === undefined ? {} : { label }),
    // Only needed, and only known to older kernels, for what does not fit eight bits.
    ...(low.length === flags.length ? {} : { allFlags: flags }),
    ...(metric === undefined ? {} : { metric }),
    ...(validSeconds === FOREVER && preferredSeconds === FOREVER
      ? {}
      : { lifetime: { preferredSeconds, validSeconds, createdCentiseconds: 0, updatedCentiseconds: 0 } }),
  };
}

function bitOf(name: AddressFlags[number]): number {
  return name in addressFlagNames ? addressFlagNames[name as keyof typeof addressFlagNames] : Number(name);
}
