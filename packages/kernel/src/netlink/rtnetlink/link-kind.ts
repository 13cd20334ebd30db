import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import type { Codec } from "../codec.ts";
import { type Variant, VariantTable } from "../variant.ts";
import { type BridgeOptions, bridgeOptions } from "./bridge-options.ts";
import { type BridgePortOptions, bridgePortOptions } from "./bridge-port-options.ts";
import { type BasicLinkAttributes, basicLinkRows, type LinkHeader, linkHeader } from "./link-attributes.ts";
import {
  type IpvlanOptions,
  ipvlanOptions,
  type MacvlanOptions,
  macvlanOptions,
  type VlanOptions,
  vlanOptions,
} from "./stacked-link-options.ts";
import { type VxlanOptions, vxlanOptions } from "./vxlan-options.ts";

/**
 * The other end of a veth pair, as it is to be made. `index` 0 or left out takes the next free one. It cannot be up from
 * the start: the kernel opens it before it has its peer, and gives ENOTCONN.
 */
export type VethPeer = Partial<LinkHeader> & BasicLinkAttributes;

/** `IFLA_INFO_DATA` of kind `veth`. */
export interface VethOptions {
  readonly peer?: VethPeer;
}

/** Kinds without options of their own: `dummy`. */
export type NoOptions = Readonly<Record<never, never>>;

const vethPeer: Codec<VethPeer> = new Body(
  linkHeader,
  new AttributeTable<BasicLinkAttributes>("linux/if_link.h", basicLinkRows),
);

export const vethOptions: AttributeTable<VethOptions> = new AttributeTable<VethOptions>("linux/veth.h", {
  peer: attribute("VETH_INFO_PEER", 1, vethPeer),
});

/** Options of each kind of link that we know (`IFLA_INFO_KIND`). */
export interface LinkKinds {
  readonly bridge: BridgeOptions;
  readonly veth: VethOptions;
  readonly vxlan: VxlanOptions;
  readonly vlan: VlanOptions;
  readonly macvlan: MacvlanOptions;
  readonly ipvlan: IpvlanOptions;
  readonly dummy: NoOptions;
}

/** Options of a port, by the kind of the device that it is a port of (`IFLA_INFO_SLAVE_KIND`). */
export interface PortKinds {
  readonly bridge: BridgePortOptions;
}

/** `IFLA_LINKINFO`. */
export interface LinkInfo {
  readonly own?: Variant<LinkKinds>;
  readonly port?: Variant<PortKinds>;
}

const linkKinds: VariantTable<LinkKinds> = new VariantTable<LinkKinds>(
  {
    kind: { kernel: "IFLA_INFO_KIND", type: 1, terminated: false },
    data: { kernel: "IFLA_INFO_DATA", type: 2, flags: 0 },
  },
  {
    bridge: bridgeOptions,
    veth: vethOptions,
    vxlan: vxlanOptions,
    vlan: vlanOptions,
    macvlan: macvlanOptions,
    ipvlan: ipvlanOptions,
    dummy: new AttributeTable<NoOptions>("linux/if_link.h", {}),
  },
);

const portKinds: VariantTable<PortKinds> = new VariantTable<PortKinds>(
  {
    kind: { kernel: "IFLA_INFO_SLAVE_KIND", type: 4, terminated: false },
    data: { kernel: "IFLA_INFO_SLAVE_DATA", type: 5, flags: 0 },
  },
  { bridge: bridgePortOptions },
);

export const linkInfo: Codec<LinkInfo> = {
  write(value, to) {
    if (value.own !== undefined) linkKinds.write(value.own, to);
    if (value.port !== undefined) portKinds.write(value.port, to);
  },
  read(from) {
    const own = linkKinds.readFrom(from);
    const port = portKinds.readFrom(from);
    return { ...(own === undefined ? {} : { own }), ...(port === undefined ? {} : { port }) };
  },
};
