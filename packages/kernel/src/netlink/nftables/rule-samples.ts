import type { Statement } from "./rule-context.ts";
import type { SetDefinition } from "./set.ts";
import { counter, limit, log, notrack, reject } from "./statements/effects.ts";
import { ct, ether, fib, fibMissing, icmp, icmpv6, ip, ip6, meta, tcp, th, udp } from "./statements/fields.ts";
import { concatenate } from "./statements/selector.ts";
import { dnat, masquerade, redirect, snat } from "./statements/translations.ts";
import { accept, continueRule, drop, goTo, jump, returnToCaller } from "./statements/verdicts.ts";

// For tests: rules as nft(8) has them beside the same rules as we write them.

const T = { family: "inet", table: "t" } as const;
/** The sets and maps that the rules use. */
export const ports: SetDefinition = { ...T, set: "ports", key: ["inet_service"] };
export const pairs: SetDefinition = { ...T, set: "pairs", key: ["ipv4_addr", "inet_service"] };
export const nets: SetDefinition = { ...T, set: "nets", key: ["ipv4_addr"], interval: true };
export const publish: SetDefinition = {
  ...T,
  set: "publish",
  key: ["inet_service"],
  value: ["ipv4_addr", "inet_service"],
};
export const addr: SetDefinition = { ...T, set: "addr", key: ["inet_service"], value: ["ipv4_addr"] };
export const marks: SetDefinition = { ...T, set: "marks", key: ["inet_service"], value: ["mark"] };
export const verdicts: SetDefinition = { ...T, set: "verdicts", key: ["inet_service"], value: "verdict" };
export const both: SetDefinition = { ...T, set: "both", key: ["inet_proto", "inet_service"], value: "verdict" };
export const anonymous: SetDefinition = { ...T, id: 10, key: ["inet_service"] };

// table: the rule as nft(8) has it, and as we write it
export const ruleSamples: readonly (readonly [string, readonly Statement[]])[] = [
  [
    'inet t post ip saddr 10.0.0.0/24 oifname != "br0" masquerade',
    [ip.saddr.is("10.0.0.0/24"), meta.oifname.isNot("br0"), masquerade()],
  ],
  ["inet t pre tcp dport 8080 dnat ip to 10.0.0.2:80", [tcp.dport.is(8080), dnat({ address: "10.0.0.2", port: 80 })]],
  ["inet t c drop", [drop]],
  ["inet t c jump other", [jump("other")]],
  ["inet t c goto other", [goTo("other")]],
  ["inet t c return", [returnToCaller]],
  ["inet t c continue", [continueRule]],
  ["inet t c ct state established,related accept", [ct.state.has("established", "related"), accept]],
  ["inet t c ct state invalid drop", [ct.state.has("invalid"), drop]],
  ["inet t c ct status dnat accept", [ct.status.has("dnat"), accept]],
  ["inet t c ct direction original accept", [ct.direction.is("original"), accept]],
  ["inet t c ct mark 5 accept", [ct.mark.is(5), accept]],
  ["inet t c ct mark set 7", [ct.mark.setTo(7)]],
  ["inet t c ct mark set tcp dport map @marks", [ct.mark.setFrom(tcp.dport.mappedBy(marks))]],
  ["inet t c meta l4proto udp ct original proto-dst 8080", [meta.l4proto.is("udp"), ct.original.protoDst.is(8080)]],
  ["inet t c meta mark 1", [meta.mark.is(1)]],
  ["inet t c meta mark and 0xff == 5", [meta.mark.isUnderMask(0xff, 5)]],
  ["inet t c meta mark set 9", [meta.mark.setTo(9)]],
  ["inet t c meta mark set ct mark", [meta.mark.copyFrom(ct.mark)]],
  ['inet t c iifname "v0" accept', [meta.iifname.is("v0"), accept]],
  ['inet t c oifname "v*" accept', [meta.oifname.is("v*"), accept]],
  ["inet t c iif v0 accept", [meta.iif.is(10), accept]],
  ["inet t c meta l4proto icmp accept", [meta.l4proto.is("icmp"), accept]],
  ["inet t c meta nfproto ipv6 drop", [meta.nfproto.is("ipv6"), drop]],
  ["inet t c meta pkttype broadcast drop", [meta.pkttype.is("broadcast"), drop]],
  ["inet t c ip daddr 10.0.0.1 tcp dport 80 accept", [ip.daddr.is("10.0.0.1"), tcp.dport.is(80), accept]],
  ["inet t c ip saddr 10.0.0.0/20 accept", [ip.saddr.is("10.0.0.0/20"), accept]],
  ["inet t c ip saddr != 10.0.0.0/24 accept", [ip.saddr.isNot("10.0.0.0/24"), accept]],
  ["inet t c ip saddr 10.0.0.5-10.0.0.9 accept", [ip.saddr.between("10.0.0.5", "10.0.0.9"), accept]],
  ["inet t c ip6 saddr fd00::/64 accept", [ip6.saddr.is("fd00::/64"), accept]],
  ["inet t c ip6 daddr fd00::/61 accept", [ip6.daddr.is("fd00::/61"), accept]],
  ["inet t c ip protocol tcp accept", [ip.protocol.is("tcp"), accept]],
  ["inet t c tcp dport 80-90 accept", [tcp.dport.between(80, 90), accept]],
  ["inet t c tcp dport != 80-90 accept", [tcp.dport.notBetween(80, 90), accept]],
  ["inet t c tcp sport > 1024 accept", [tcp.sport.above(1024), accept]],
  ["inet t c udp dport 53 accept", [udp.dport.is(53), accept]],
  ["inet t c th dport 53 accept", [th.dport.is(53), accept]],
  ["inet t c icmp type echo-request accept", [icmp.type.is("echo-request"), accept]],
  ["inet t c icmpv6 type nd-neighbor-solicit accept", [icmpv6.type.is("nd-neighbor-solicit"), accept]],
  ["inet t c tcp flags syn / syn,ack", [tcp.flags.isUnderMask(["syn", "ack"], ["syn"])]],
  ["inet t c tcp dport @ports accept", [tcp.dport.in(ports), accept]],
  ["inet t c tcp dport != @ports accept", [tcp.dport.notIn(ports), accept]],
  ["inet t c ip saddr . tcp dport @pairs accept", [concatenate(ip.saddr, tcp.dport).in(pairs), accept]],
  ["inet t c ip saddr @nets drop", [ip.saddr.in(nets), drop]],
  ["inet t c tcp dport vmap @verdicts", [tcp.dport.verdictFrom(verdicts)]],
  ["inet t c meta l4proto . th dport vmap @both", [concatenate(meta.l4proto, th.dport).verdictFrom(both)]],
  ["inet t c tcp dport { 22, 80 } accept", [tcp.dport.in(anonymous), accept]],
  ["inet t c counter", [counter()]],
  ["inet t c counter packets 5 bytes 100", [counter({ packets: 5n, bytes: 100n })]],
  ["inet t c log", [log()]],
  [
    'inet t c log prefix "x: " level warn flags all',
    [
      log({
        prefix: "x: ",
        level: "warn",
        flags: ["NF_LOG_TCPSEQ", "NF_LOG_TCPOPT", "NF_LOG_IPOPT", "NF_LOG_UID", "NF_LOG_MACDECODE"],
      }),
    ],
  ],
  [
    'inet t c log prefix "x" group 5 snaplen 64 queue-threshold 3',
    [log({ prefix: "x", group: 5, snapLengthBytes: 64, queueThreshold: 3 })],
  ],
  ["inet t c limit rate 5/second burst 7 packets accept", [limit({ rate: 5n, per: "second", burst: 7 }), accept]],
  [
    "inet t c limit rate over 10 mbytes/minute drop",
    [limit({ rate: 10_485_760n, per: "minute", unit: "bytes", over: true }), drop],
  ],
  ["inet t c fib daddr type local accept", [fib(["daddr"], "type").is("local"), accept]],
  ["inet t c fib saddr . iif oif missing drop", [fibMissing(["saddr", "iif"]), drop]],
  ["inet t c fib saddr oif 10 accept", [fib(["saddr"], "oif").is(10), accept]],
  ["inet t c reject", [reject()]],
  ["inet t c reject with icmpx admin-prohibited", [reject("adminProhibited")]],
  ["inet t c reject with tcp reset", [reject("tcpReset")]],
  ["inet t raw notrack", [notrack]],
  [
    "inet t pre tcp dport 8000-8010 dnat ip to 10.0.0.2:9000-9010",
    [tcp.dport.between(8000, 8010), dnat({ address: "10.0.0.2", port: { from: 9000, to: 9010 } })],
  ],
  ["inet t pre tcp dport 8080 dnat ip6 to [fd00::2]:80", [tcp.dport.is(8080), dnat({ address: "fd00::2", port: 80 })]],
  ["inet t pre dnat ip to 10.0.0.2", [dnat({ address: "10.0.0.2" })]],
  [
    "inet t pre dnat ip to 10.0.0.2-10.0.0.9 random,persistent",
    [dnat({ address: { from: "10.0.0.2", to: "10.0.0.9" }, random: true, persistent: true })],
  ],
  ["inet t pre tcp dport 80 redirect to :8080", [tcp.dport.is(80), redirect({ port: 8080 })]],
  [
    "inet t pre udp dport 80-90 redirect to :8080-8090",
    [udp.dport.between(80, 90), redirect({ port: { from: 8080, to: 8090 } })],
  ],
  ["inet t pre redirect", [redirect()]],
  ["inet t pre dnat ip to tcp dport map @publish", [dnat({ from: tcp.dport.mappedBy(publish) })]],
  ["inet t pre dnat ip to tcp dport map @addr", [dnat({ from: tcp.dport.mappedBy(addr) })]],
  [
    "inet t pre fib daddr type local tcp dport 8080 dnat ip to 10.0.0.2:80",
    [fib(["daddr"], "type").is("local"), tcp.dport.is(8080), dnat({ address: "10.0.0.2", port: 80 })],
  ],
  ["inet t post snat ip to 1.2.3.4", [snat({ address: "1.2.3.4" })]],
  [
    "inet t post ip saddr 10.0.0.0/24 udp sport 5 snat ip to 1.2.3.4:1000-2000 fully-random",
    [
      ip.saddr.is("10.0.0.0/24"),
      udp.sport.is(5),
      snat({ address: "1.2.3.4", port: { from: 1000, to: 2000 }, fullyRandom: true }),
    ],
  ],
  ["inet t post masquerade random,persistent", [masquerade({ random: true, persistent: true })]],
  [
    "inet t post meta l4proto tcp masquerade to :1000-2000",
    [meta.l4proto.is("tcp"), masquerade({ port: { from: 1000, to: 2000 } })],
  ],
  ["ip v4 c ip saddr 10.0.0.0/24 tcp dport 80 accept", [ip.saddr.is("10.0.0.0/24"), tcp.dport.is(80), accept]],
  ["ip v4 c meta l4proto udp drop", [meta.l4proto.is("udp"), drop]],
  ["ip v4 post ip saddr 10.0.0.0/24 masquerade", [ip.saddr.is("10.0.0.0/24"), masquerade()]],
  ["ip v4 c reject", [reject()]],
  ["ip6 v6 c ip6 saddr fd00::1 udp dport 53 accept", [ip6.saddr.is("fd00::1"), udp.dport.is(53), accept]],
  ["bridge b c ip saddr 10.0.0.1 tcp dport 80 drop", [ip.saddr.is("10.0.0.1"), tcp.dport.is(80), drop]],
  ["bridge b c ether saddr 02:00:00:00:00:01 drop", [ether.saddr.is("02:00:00:00:00:01"), drop]],
  ["bridge b c meta protocol arp accept", [meta.protocol.is("arp"), accept]],
  ['bridge b c meta ibrname "br0" accept', [meta.ibrname.is("br0"), accept]],
  ["netdev n c ip daddr 10.0.0.1 drop", [ip.daddr.is("10.0.0.1"), drop]],
  ["inet t c meta skuid 1000 accept", [meta.skuid.is(1000), accept]],
];
