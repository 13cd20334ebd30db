import { OrlopError } from "@orlop/core";
import { parseIpAddress } from "../../ip-address.ts";
import { type DataTypeName, dataTypes, encodeValue, paddedBytes } from "../data-types.ts";
import type { Expression } from "../expression.ts";
import type { Translation, TranslationFlags } from "../expressions/translation.ts";
import { NFT_REG_1, NFT_REG32_00 } from "../register.ts";
import type { RuleContext, Statement } from "../rule-context.ts";
import { describeSet } from "../set.ts";
import type { MappedValue } from "./selector.ts";

/** How the kernel chooses among addresses and ports. */
export interface TranslationChoice {
  /** Ports in random order. */
  readonly random?: boolean;
  /** Ports fully random. */
  readonly fullyRandom?: boolean;
  /** The same client always gets the same address. */
  readonly persistent?: boolean;
}

/** Both ends belong to it. */
export interface AddressRange {
  readonly from: string;
  readonly to: string;
}

/** Both ends belong to it. A range of ports that is as long as the matched one is not paired one to one: use a map. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** What a packet's source or destination becomes. Ports need a rule that matches a transport protocol before. */
export interface TranslationTarget extends TranslationChoice {
  readonly address: string | AddressRange;
  readonly port?: number | PortRange;
}

/** Address, and with a second part of the value also the port, from a map: `{ from: tcp.dport.mappedBy(ports) }`. */
export interface MappedTarget extends TranslationChoice {
  readonly from: MappedValue;
}

/** Destination translation, in chains of type nat at prerouting and output. */
export function dnat(target: TranslationTarget | MappedTarget): Statement {
  return (context) => translate(context, "dnat", target);
}

/** Source translation, in chains of type nat at postrouting and input. */
export function snat(target: TranslationTarget | MappedTarget): Statement {
  return (context) => translate(context, "snat", target);
}

/** Source translation to the address of the interface that the packet leaves by, at postrouting. */
export function masquerade(options: TranslationChoice & { readonly port?: number | PortRange } = {}): Statement {
  return (context) => portsOnly(context, "masq", options);
}

/** Destination translation to this machine, at prerouting and output. */
export function redirect(options: TranslationChoice & { readonly port?: number | PortRange } = {}): Statement {
  return (context) => portsOnly(context, "redir", options);
}

function translate(
  context: RuleContext,
  type: "dnat" | "snat",
  target: TranslationTarget | MappedTarget,
): readonly Expression[] {
  if ("from" in target) return translateByMap(context, type, target);
  const addresses = typeof target.address === "string" ? [target.address] : [target.address.from, target.address.to];
  const family = familyOf(context, type, addresses);
  const ports = portsOf(context, type, target.port);
  const values = [...addresses.map((address) => parseIpAddress(address).bytes), ...ports];
  const [addressCount, portCount] = [addresses.length, ports.length];
  const registers: Translation = {
    addressMin: NFT_REG_1,
    ...(addressCount > 1 ? { addressMax: NFT_REG_1 + 1 } : {}),
    ...(portCount > 0 ? { portMin: NFT_REG_1 + addressCount } : {}),
    ...(portCount > 1 ? { portMax: NFT_REG_1 + addressCount + 1 } : {}),
  };
  return [
    ...immediates(values),
    { kind: "nat", data: { type, family, ...registers, ...flags(target, portCount > 0) } },
  ];
}

function translateByMap(context: RuleContext, type: "dnat" | "snat", target: MappedTarget): readonly Expression[] {
  const { map, load } = target.from;
  const types: readonly DataTypeName[] = map.value === undefined || map.value === "verdict" ? [] : map.value;
  const [address, port, ...more] = types;
  if (
    (address !== "ipv4_addr" && address !== "ipv6_addr") ||
    (port ?? "inet_service") !== "inet_service" ||
    more.length > 0
  ) {
    refuse(type, describeSet(map), "its values are neither addresses nor addresses with ports");
  }
  // What is looked up may be what says the protocol, so it comes first.
  const loads = load(context);
  if (port !== undefined) needTransport(context, type);
  const portRegister = NFT_REG32_00 + paddedBytes(dataTypes[address].sizeBytes) / 4;
  return [
    ...loads,
    {
      kind: "nat",
      data: {
        type,
        family: address === "ipv4_addr" ? "ip" : "ip6",
        addressMin: NFT_REG_1,
        ...(port === undefined ? {} : { portMin: portRegister }),
        ...flags(target, port !== undefined),
      },
    },
  ];
}

function portsOnly(
  context: RuleContext,
  kind: "masq" | "redir",
  options: TranslationChoice & { readonly port?: number | PortRange },
): readonly Expression[] {
  const ports = portsOf(context, kind === "masq" ? "masquerade" : "redirect", options.port);
  const data = {
    ...flags(options, ports.length > 0),
    ...(ports.length > 0 ? { portMin: NFT_REG_1 } : {}),
    ...(ports.length > 1 ? { portMax: NFT_REG_1 + 1 } : {}),
  };
  return [...immediates(ports), { kind, data }];
}

function immediates(values: readonly Uint8Array[]): Expression[] {
  return values.map((value, index) => ({ kind: "immediate", data: { dreg: NFT_REG_1 + index, data: { value } } }));
}

function flags(choice: TranslationChoice, ports: boolean): { flags?: TranslationFlags } {
  const names: TranslationFlags[number][] = [];
  if (ports) names.push("NF_NAT_RANGE_PROTO_SPECIFIED");
  if (choice.random === true) names.push("NF_NAT_RANGE_PROTO_RANDOM");
  if (choice.fullyRandom === true) names.push("NF_NAT_RANGE_PROTO_RANDOM_FULLY");
  if (choice.persistent === true) names.push("NF_NAT_RANGE_PERSISTENT");
  return names.length === 0 ? {} : { flags: names };
}

function familyOf(context: RuleContext, type: string, addresses: readonly string[]): "ip" | "ip6" {
  const versions = new Set(addresses.map((address) => parseIpAddress(address).version));
  const family = versions.has(4) ? "ip" : "ip6";
  if (versions.size > 1) refuse(type, addresses.join(" - "), "the ends of the range differ in IP version");
  if (context.family !== "inet" && context.family !== family) {
    refuse(type, addresses.join(" - "), `the table is of family ${context.family}`);
  }
  return family;
}

function portsOf(context: RuleContext, type: string, port: number | PortRange | undefined): Uint8Array[] {
  if (port === undefined) return [];
  needTransport(context, type);
  const ends = typeof port === "number" ? [port] : [port.from, port.to];
  return ends.map((end) => encodeValue("inet_service", end));
}

/** Without it the kernel would write a port into whatever protocol comes along. */
function needTransport(context: RuleContext, type: string): void {
  if (context.checked.has("l4proto")) return;
  throw new OrlopError(
    "invalid",
    `Cannot ${type} to a port: nothing before it in the rule matches a transport protocol\nTry tcp.dport or meta.l4proto first.`,
    { operation: "encode rule" },
  );
}

function refuse(type: string, target: string, reason: string): never {
  throw new OrlopError("invalid", `Cannot ${type} to "${target}": ${reason}`, { operation: "encode rule" });
}
