import type { Endpoint, PublishedPort } from "@orlop/core";
import { networkNames } from "../containers/network-names.ts";
import { publishedPorts } from "../containers/ports-text.ts";
import { Dictionary, NIL_LIST, type Struct, type Value } from "../format/template/value.ts";
import type { InspectedContainer } from "./container-document.ts";
import { documentOf } from "./document-of.ts";

/** Of a container's networks; docker's fields for its default network, which have been there longest, tell of the first. */
export function networkSettingsDocument({ container }: Pick<InspectedContainer, "container">): Struct {
  const { network, state } = container;
  const networks = networkNames(network).map((name, index): [string, Struct] => {
    const aliases = network.kind === "networks" ? (network.attachments[index]?.aliases ?? []) : [];
    return [name, endpointDocument(state.endpoints[index], aliases)];
  });
  const first = addressFields(state.endpoints[0]);
  return documentOf({
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    Ports: portsDictionary(publishedPorts(container)),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: NIL_LIST,
    SecondaryIPv6Addresses: NIL_LIST,
    EndpointID: state.endpoints[0]?.id ?? "",
    Gateway: first.Gateway,
    GlobalIPv6Address: first.GlobalIPv6Address,
    GlobalIPv6PrefixLen: first.GlobalIPv6PrefixLen,
    IPAddress: first.IPAddress,
    IPPrefixLen: first.IPPrefixLen,
    IPv6Gateway: first.IPv6Gateway,
    MacAddress: state.endpoints[0]?.hardwareAddress ?? "",
    Networks: new Dictionary(networks),
  });
}

/** `80/tcp`, and where on the host it is published; of several in a row each. */
export function portsDictionary(ports: readonly PublishedPort[]): Dictionary {
  const byPort = new Map<string, Value[]>();
  for (const { protocol, hostAddress = "", hostPort = 0, containerPort, count = 1 } of ports) {
    for (let index = 0; index < count; index++) {
      const port = `${containerPort + index}/${protocol}`;
      const place = { HostIp: hostAddress, HostPort: hostPort === 0 ? "" : String(hostPort + index) };
      byPort.set(port, [...(byPort.get(port) ?? []), documentOf(place)]);
    }
  }
  return new Dictionary(byPort, NIL_LIST);
}

function endpointDocument(endpoint: Endpoint | undefined, aliases: readonly string[]): Struct {
  return documentOf({
    IPAMConfig: null,
    Links: NIL_LIST,
    Aliases: aliases.length === 0 ? NIL_LIST : aliases,
    MacAddress: endpoint?.hardwareAddress ?? "",
    DriverOpts: new Dictionary(undefined, ""),
    GwPriority: 0,
    NetworkID: endpoint?.network ?? "",
    EndpointID: endpoint?.id ?? "",
    ...addressFields(endpoint),
    DNSNames: endpoint === undefined ? NIL_LIST : endpoint.names,
  });
}

interface AddressFields {
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
}

function addressFields(endpoint: Endpoint | undefined): AddressFields & Readonly<Record<string, Value>> {
  const isSix = (address: string): boolean => address.includes(":");
  const { addresses = [], gateways = [] } = endpoint ?? {};
  const [four = "", fourLength = "0"] = addresses.find((each) => !isSix(each))?.split("/") ?? [];
  const [six = "", sixLength = "0"] = addresses.find(isSix)?.split("/") ?? [];
  return {
    Gateway: gateways.find((each) => !isSix(each)) ?? "",
    IPAddress: four,
    IPPrefixLen: Number(fourLength),
    IPv6Gateway: gateways.find(isSix) ?? "",
    GlobalIPv6Address: six,
    GlobalIPv6PrefixLen: Number(sixLength),
  };
}
