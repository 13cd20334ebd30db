import { extendedAckAttributes } from "../answer.ts";
import type { NameTable } from "../choices.ts";
import * as conntrack from "../conntrack.ts";
import * as message from "../message.ts";
import { messageHeader } from "../message.ts";
import { netfilterFamilies, netfilterHeader } from "../netfilter-header.ts";
import { data } from "../nftables/data.ts";
import * as dataTypes from "../nftables/data-types.ts";
import { expression } from "../nftables/expression.ts";
import * as accounting from "../nftables/expressions/accounting.ts";
import * as arithmetic from "../nftables/expressions/arithmetic.ts";
import * as comparison from "../nftables/expressions/comparison.ts";
import { conntrackDirections, conntrackKeys } from "../nftables/expressions/conntrack-field.ts";
import { fibFlagNames, fibResults } from "../nftables/expressions/fib.ts";
import { lookupFlagNames } from "../nftables/expressions/lookup.ts";
import { metaKeys } from "../nftables/expressions/meta.ts";
import { payloadBases, payloadChecksums } from "../nftables/expressions/payload.ts";
import { rejectCodes, rejectTypes } from "../nftables/expressions/reject.ts";
import { translationFlagNames, translationTypes } from "../nftables/expressions/translation.ts";
import * as nftablesTypes from "../nftables/message-types.ts";
import { verdict, verdictCodes } from "../nftables/verdict.ts";
import * as wire from "../nftables/wire.ts";
import type { MessageType } from "../request.ts";
import * as address from "../rtnetlink/address.ts";
import { addressFamilies } from "../rtnetlink/address-family.ts";
import { bridgeOptions } from "../rtnetlink/bridge-options.ts";
import * as bridgePort from "../rtnetlink/bridge-port.ts";
import { bridgePortOptions, bridgePortStates } from "../rtnetlink/bridge-port-options.ts";
import { ethernetProtocols } from "../rtnetlink/ethernet-protocol.ts";
import * as link from "../rtnetlink/link.ts";
import * as linkBasics from "../rtnetlink/link-attributes.ts";
import { vethOptions } from "../rtnetlink/link-kind.ts";
import { linkStatistics } from "../rtnetlink/link-statistics.ts";
import * as routeTypes from "../rtnetlink/message-types.ts";
import * as neighbour from "../rtnetlink/neighbour.ts";
import * as route from "../rtnetlink/route.ts";
import * as rule from "../rtnetlink/rule.ts";
import { scopes } from "../rtnetlink/scope.ts";
import * as stacked from "../rtnetlink/stacked-link-options.ts";
import { vxlanOptions, vxlanPortRange } from "../rtnetlink/vxlan-options.ts";
import * as socket from "../socket.ts";

// Everything in this folder that claims to be a fact of a kernel header, for the test that asks the headers.

/** An AttributeTable of whatever values. */
interface KernelTable {
  readonly rows: object;
}

/** A Layout of whatever values. */
interface KernelLayout {
  readonly description: { readonly struct: string; readonly size: number; readonly fields: object };
}

export const kernelLayouts: readonly KernelLayout[] = [
  messageHeader,
  socket.netlinkSocketAddress,
  netfilterHeader,
  linkBasics.linkHeader,
  linkStatistics,
  vxlanPortRange,
  stacked.vlanFlagChange,
  bridgePort.bridgeVlan,
  address.addressHeader,
  address.addressLifetime,
  route.routeHeader,
  route.nextHopBody.header,
  neighbour.neighbourBody.header,
  rule.ruleBody.header,
  rule.ruleUidRange,
  rule.rulePortRange,
];

const expressionTables = Object.values(expression.kinds) as KernelTable[];

const kernelAttributeTables: readonly KernelTable[] = [
  extendedAckAttributes,
  link.linkAttributes,
  link.linkInet6,
  link.linkProtocols,
  bridgeOptions,
  bridgePortOptions,
  vxlanOptions,
  stacked.vlanOptions,
  stacked.macvlanOptions,
  stacked.ipvlanOptions,
  vethOptions,
  bridgePort.bridgePortBody.attributes,
  bridgePort.bridgeSpecification,
  address.addressBody.attributes,
  route.routeBody.attributes,
  route.nextHopBody.attributes,
  route.routeMetrics,
  neighbour.neighbourBody.attributes,
  rule.ruleBody.attributes,
  conntrack.connectionBody.attributes,
  conntrack.connectionCounters,
  conntrack.tupleAttributes,
  conntrack.tupleAddressAttributes,
  conntrack.tupleProtocolAttributes,
  data,
  verdict,
  wire.tableBody.attributes,
  wire.chainBody.attributes,
  wire.hookAttributes,
  wire.ruleBody.attributes,
  wire.setBody.attributes,
  wire.setDescriptionAttributes,
  wire.setFieldAttributes,
  wire.elementListBody.attributes,
  wire.elementAttributes,
  wire.generationBody.attributes,
  wire.batchBody.attributes,
  ...expressionTables,
];

/** Tables whose names are the kernel's. */
const verbatim: readonly NameTable[] = [
  addressFamilies,
  address.addressFlagNames,
  bridgePort.bridgeFlagNames,
  bridgePort.bridgeModes,
  bridgePort.bridgeVlanFlagNames,
  bridgePortStates,
  conntrack.connectionProtocols,
  conntrack.connectionStatusNames,
  ethernetProtocols,
  link.addressGenerationModes,
  linkBasics.extendedFilterNames,
  linkBasics.hardwareTypes,
  linkBasics.interfaceFlagNames,
  linkBasics.operationalStates,
  neighbour.neighbourFlagNames,
  neighbour.neighbourStateNames,
  route.routeFlagNames,
  route.routeProtocols,
  route.routeTypes,
  rule.ruleActions,
  rule.ruleFlagNames,
  scopes,
  stacked.ipvlanFlagNames,
  stacked.ipvlanModes,
  stacked.macvlanFlagNames,
  stacked.macvlanModes,
  stacked.vlanFlagNames,
  fibFlagNames,
  translationFlagNames,
  lookupFlagNames,
  accounting.limitFlagNames,
  accounting.logFlagNames,
  wire.chainFlagNames,
  wire.elementFlagNames,
  wire.setFlagNames,
  wire.tableFlagNames,
];

/** Tables with nft(8)'s words: what stands before the word in capitals, and the words for which that is not so. */
const worded: readonly (readonly [NameTable, string, Readonly<Record<string, string>>?])[] = [
  [metaKeys, "NFT_META_"],
  [conntrackKeys, "NFT_CT_"],
  [conntrackDirections, "IP_CT_DIR_"],
  [
    payloadBases,
    "NFT_PAYLOAD_",
    { link: "LL_HEADER", network: "NETWORK_HEADER", transport: "TRANSPORT_HEADER", inner: "INNER_HEADER" },
  ],
  [payloadChecksums, "NFT_PAYLOAD_CSUM_"],
  [comparison.comparisonOperators, "NFT_CMP_"],
  [comparison.rangeOperators, "NFT_RANGE_"],
  [arithmetic.bitwiseOperators, "NFT_BITWISE_", { maskXor: "BOOL", leftShift: "LSHIFT", rightShift: "RSHIFT" }],
  [arithmetic.byteOrderOperators, "NFT_BYTEORDER_", { networkToHost: "NTOH", hostToNetwork: "HTON" }],
  [accounting.limitTypes, "NFT_LIMIT_", { packets: "PKTS", bytes: "PKT_BYTES" }],
  [accounting.logLevels, "NFT_LOGLEVEL_", { warn: "WARNING" }],
  [fibResults, "NFT_FIB_RESULT_", { type: "ADDRTYPE" }],
  [rejectTypes, "NFT_REJECT_", { icmp: "ICMP_UNREACH", tcpReset: "TCP_RST", icmpx: "ICMPX_UNREACH" }],
  [
    rejectCodes,
    "NFT_REJECT_ICMPX_",
    {
      noRoute: "NO_ROUTE",
      portUnreachable: "PORT_UNREACH",
      hostUnreachable: "HOST_UNREACH",
      adminProhibited: "ADMIN_PROHIBITED",
    },
  ],
  [translationTypes, "NFT_NAT_"],
  [verdictCodes, "NFT_", { drop: "\bNF_DROP", accept: "\bNF_ACCEPT", queue: "\bNF_QUEUE" }],
  [wire.setPolicies, "NFT_SET_POL_"],
  [netfilterFamilies, "NFPROTO_", { unspecified: "UNSPEC", ip: "IPV4", ip6: "IPV6" }],
  [dataTypes.networkProtocols, "NFPROTO_"],
  [dataTypes.ipProtocols, "IPPROTO_"],
  [dataTypes.etherTypes, "ETH_P_", { ip6: "IPV6", vlan: "8021Q" }],
  [dataTypes.packetTypes, "PACKET_", { other: "OTHERHOST" }],
  [dataTypes.fibAddressTypes, "RTN_"],
  [dataTypes.conntrackStatuses, "IPS_", { "seen-reply": "SEEN_REPLY", snat: "SRC_NAT", dnat: "DST_NAT" }],
];

function wordedConstants(): [string, number][] {
  return worded.flatMap(([table, prefix, exceptions = {}]) =>
    Object.entries(table).map(([word, number]): [string, number] => {
      const rest = exceptions[word] ?? word.toUpperCase();
      return [rest.startsWith("\b") ? rest.slice(1) : prefix + rest, number];
    }),
  );
}

function messageTypes(...modules: readonly object[]): [string, number][] {
  const types = modules.flatMap((module) => Object.values(module)).filter(isMessageType);
  // The low byte is the header's number; the high one, the subsystem, is a constant of its own.
  return types.map(({ name, number }) => [name, number & 0xff]);
}

function isMessageType(value: unknown): value is MessageType {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "name,number";
}

function plainConstants(...modules: readonly object[]): [string, number][] {
  return modules
    .flatMap((module) => Object.entries(module))
    .filter((entry): entry is [string, number] => typeof entry[1] === "number" && /^[A-Z][A-Z0-9_]+$/.test(entry[0]));
}

/** Every constant with the kernel's name for it and our number. */
export function kernelConstants(): [string, number][] {
  return [
    ...kernelAttributeTables.flatMap(({ rows }) =>
      Object.values(rows as Record<string, { kernel: string; type: number }>).map(
        ({ kernel, type }): [string, number] => [kernel, type],
      ),
    ),
    ...verbatim.flatMap((table) => Object.entries(table)),
    ...wordedConstants(),
    ...messageTypes(routeTypes, nftablesTypes, conntrack),
    ...plainConstants(message, socket, route, nftablesTypes).filter(([name]) => name !== "VERDICT_TYPE"),
  ];
}
