import { Dictionary, NIL_LIST, type Struct } from "../format/template/value.ts";
import type { InspectedContainer } from "./container-document.ts";
import { documentOf } from "./document-of.ts";

/** Of a container's networks; docker's fields for its default network have been there longest. */
export function networkSettingsDocument({ container }: Pick<InspectedContainer, "container">): Struct {
  return documentOf({
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    Ports: new Dictionary([], NIL_LIST),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: NIL_LIST,
    SecondaryIPv6Addresses: NIL_LIST,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: new Dictionary([[container.network, endpointDocument()]]),
  });
}

function endpointDocument(): Struct {
  return documentOf({
    IPAMConfig: null,
    Links: NIL_LIST,
    Aliases: NIL_LIST,
    MacAddress: "",
    DriverOpts: new Dictionary(undefined, ""),
    GwPriority: 0,
    NetworkID: "",
    EndpointID: "",
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: NIL_LIST,
  });
}
