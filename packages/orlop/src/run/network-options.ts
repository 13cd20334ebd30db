import { isIP } from "node:net";
import { type EgressPolicy, type HostsEntry, OrlopError, type PublishedPort, parseName } from "@orlop/core";
import type { NetworkAttachment } from "@orlop/engine";
import { HOST_GATEWAY } from "@orlop/engine/name-files";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { readEgress } from "./egress-flag.ts";
import { parseExposedPort, parsePublishedPort } from "./port-flag.ts";

/** What `--network` asks for. */
export type NetworkChoice =
  | { readonly kind: "none" | "host" }
  /** Name or id of the container whose network it is to be. */
  | { readonly kind: "container"; readonly container: string }
  /** That of the pod of this id, which it belongs to. */
  | { readonly kind: "pod"; readonly pod: string }
  | {
      readonly kind: "networks";
      readonly attachments: readonly NetworkAttachment[];
      readonly ports: readonly PublishedPort[];
      readonly egress?: EgressPolicy;
    };

/** What a command line asks of networks and names. */
export interface NetworkOptions {
  readonly network: NetworkChoice;
  /** It was asked for, be it `none`. */
  readonly namesNetwork?: true;
  /** Ports that `publishAll` is about, besides those of the image. */
  readonly exposed: readonly PublishedPort[];
  readonly publishAll: boolean;
  readonly addedHosts: readonly HostsEntry[];
  readonly dns: {
    readonly servers?: readonly string[];
    readonly search?: readonly string[];
    readonly options?: readonly string[];
  };
}

/** Name of the network that `default` stands for, and published ports where none is named. */
export const DEFAULT_NETWORK = "bridge";

/** @throws OrlopError `invalid` */
export function readNetworkOptions(flags: ParsedFlags): NetworkOptions {
  const ports = flags.parseAll("publish", parsePublishedPort);
  const publishAll = flags.isOn("publish-all");
  return {
    network: chooseNetwork(flags, ports, publishAll),
    ...(flags.has("network") ? { namesNetwork: true } : {}),
    exposed: flags.parseAll("expose", parseExposedPort),
    publishAll,
    addedHosts: flags.parseAll("add-host", parseHost),
    dns: {
      ...listed("servers", flags.parseAll("dns", parseAddress)),
      ...listed("search", flags.list("dns-search")),
      ...listed("options", flags.list("dns-option")),
    },
  };
}

function listed<K extends string>(key: K, values: readonly string[]): { readonly [P in K]?: readonly string[] } {
  return values.length === 0 ? {} : ({ [key]: values } as { readonly [P in K]: readonly string[] });
}

const OF_NETWORKS = ["egress", "ip", "ip6", "mac-address", "network-alias"] as const;

function chooseNetwork(flags: ParsedFlags, ports: readonly PublishedPort[], publishAll: boolean): NetworkChoice {
  const wanted = flags.list("network");
  const publishes = ports.length > 0 || publishAll;
  const egress = readEgress(flags);
  const stands = publishes || egress !== undefined;
  const [first, ...others] = wanted.length === 0 && stands ? [DEFAULT_NETWORK] : wanted;
  const alone = first === undefined ? ({ kind: "none" } as const) : parseAlone(first);
  if (alone !== undefined) {
    if (others.length > 0) throw new OrlopError("invalid", `conflicting options: network ${first} stands alone`);
    const named = OF_NETWORKS.find((name) => flags.has(name));
    if (named !== undefined || stands) {
      const flag = named ?? "publish";
      throw new OrlopError(
        "invalid",
        `conflicting options: --${flag} needs a network, and network is ${first ?? "none"}`,
      );
    }
    return alone;
  }
  const [own, ...further] = [first ?? DEFAULT_NETWORK, ...others].map(parseAttachment);
  return {
    kind: "networks",
    attachments: [{ ...own, ...ownWishes(flags, own) } as NetworkAttachment, ...further],
    ports,
    ...(egress === undefined ? {} : { egress }),
  };
}

/** Modes that are no networks. */
function parseAlone(text: string): NetworkChoice | undefined {
  if (text === "none" || text === "host") return { kind: text };
  const [, container] = /^container:(.+)$/.exec(text) ?? [];
  return container === undefined ? undefined : { kind: "container", container };
}

/** Flags that are about the first network. */
function ownWishes(flags: ParsedFlags, own: NetworkAttachment | undefined): Partial<NetworkAttachment> {
  const addresses = [...flags.parseAll("ip", parseAddress).slice(-1), ...flags.parseAll("ip6", parseAddress).slice(-1)];
  const hardwareAddress = flags.text("mac-address");
  return {
    aliases: [...(own?.aliases ?? []), ...flags.list("network-alias")],
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
  };
}

/** Docker's names of what is wished of a network, and podman's for the same. */
const FIELDS: Readonly<Record<string, "name" | "alias" | "ip" | "mac">> = {
  name: "name",
  alias: "alias",
  ip: "ip",
  ip6: "ip",
  "mac-address": "mac",
  mac: "mac",
};

/** `NAME`, docker's `name=NAME,alias=A,ip=ADDRESS,mac-address=ADDRESS`, or podman's `NAME:alias=A,ip=ADDRESS,mac=ADDRESS`. */
function parseAttachment(text: string): NetworkAttachment {
  const [, network, wishes = network === undefined ? text : ""] = /^([^:=,]+)(?::(.*))?$/s.exec(text) ?? [];
  const fields = (wishes === "" ? [] : wishes.split(",")).map((field) => {
    const at = field.indexOf("=");
    const [name, value] = [field.slice(0, Math.max(at, 0)), field.slice(at + 1)];
    const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (known === undefined || (known === "name" && network !== undefined)) {
      throw new OrlopError("invalid", `invalid network field ${JSON.stringify(name || field)}`);
    }
    return [known, value] as const;
  });
  const all = (name: string): readonly string[] => fields.flatMap(([key, value]) => (key === name ? [value] : []));
  const addresses = all("ip").map(parseAddress);
  const hardwareAddress = all("mac").at(-1);
  return {
    network: networkName(network ?? all("name").at(-1) ?? ""),
    aliases: all("alias"),
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
  };
}

function networkName(text: string): string {
  return text === "default" ? DEFAULT_NETWORK : parseName(text);
}

function parseAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new OrlopError("invalid", `${JSON.stringify(text)} is no IP address`);
}

/** `NAME:ADDRESS` or `NAME=ADDRESS`; an address of IPv6 may stand in brackets, and `host-gateway` for this machine's. */
function parseHost(text: string): HostsEntry {
  const [, name = "", given = ""] = /^([^:=\s]+)[:=](.+)$/.exec(text) ?? [];
  const address = given.replace(/^\[|\]$/g, "");
  if (name !== "" && (isIP(address) !== 0 || address === HOST_GATEWAY)) return { address, names: [name] };
  throw new OrlopError(
    "invalid",
    `bad format for add-host: ${JSON.stringify(text)}: it is NAME:ADDRESS or NAME:${HOST_GATEWAY}`,
  );
}
