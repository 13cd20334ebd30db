import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenCapture, receivedDatagrams } from "../golden/golden-file.ts";
import { decodeMessages, type NetlinkMessage } from "../message.ts";
import type { MessageType } from "../request.ts";
import { decodeGeneration } from "./batch.ts";
import { decodeChain } from "./chain.ts";
import { decodeElements, joinElements } from "./element.ts";
import {
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWGEN,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
} from "./message-types.ts";
import { decodeRule } from "./rule.ts";
import { decodeSet, type SetDefinition } from "./set.ts";
import { decodeTable } from "./table.ts";

function answers(command: string, type: MessageType): NetlinkMessage[] {
  return receivedDatagrams(goldenCapture("nftables-answers", command))
    .flatMap(decodeMessages)
    .filter((message) => message.type === type.number);
}

const T = { family: "inet", table: "t" } as const;

test("decodes the generation", () => {
  const [message] = answers("nft list tables", NFT_MSG_NEWGEN);
  assert.ok(message !== undefined);
  const generation = decodeGeneration(message);
  assert.equal(typeof generation.id, "number");
  assert.equal(generation.processName, "nft");
});

test("decodes tables", () => {
  const tables = answers("nft list tables", NFT_MSG_NEWTABLE).map(decodeTable);
  assert.deepEqual(
    tables.map(({ family, table }) => `${family} ${table}`),
    ["inet t", "ip v4", "ip6 v6", "bridge b", "netdev n"],
  );
  assert.equal(tables[0]?.dormant, false);
});

test("decodes chains: hooks by name, priorities, policies, devices", () => {
  const chains = answers("nft list chains", NFT_MSG_NEWCHAIN).map(decodeChain);
  const find = (family: string, chain: string) =>
    chains.find((candidate) => candidate.family === family && candidate.chain === chain);
  assert.deepEqual(find("inet", "pre")?.base, { type: "nat", hook: "prerouting", priority: -100, policy: "accept" });
  assert.deepEqual(find("netdev", "c")?.base, {
    type: "filter",
    hook: "ingress",
    priority: 0,
    policy: "accept",
    devices: ["v0"],
  });
  assert.equal(find("inet", "other")?.base, undefined);
  assert.equal(find("inet", "other")?.use, 1);
});

test("decodes sets and maps with their types", () => {
  const sets = answers("nft list sets", NFT_MSG_NEWSET).map(decodeSet);
  const find = (set: string) => sets.find((candidate) => candidate.set === set);
  assert.deepEqual(find("ports")?.key, ["inet_service"]);
  assert.deepEqual(find("pairs")?.key, ["ipv4_addr", "inet_service"]);
  assert.deepEqual(find("nets")?.flags, ["NFT_SET_INTERVAL"]);
  assert.deepEqual(find("publish")?.value, ["ipv4_addr", "inet_service"]);
  assert.equal(find("verdicts")?.value, "verdict");
  assert.ok(sets.some(({ flags }) => flags.includes("NFT_SET_ANONYMOUS")));
});

function elementsOf(command: string, set: SetDefinition) {
  return joinElements(set, answers(command, NFT_MSG_NEWSETELEM).map(decodeElements));
}

test("decodes elements, intervals joined", () => {
  assert.deepEqual(elementsOf("nft list set inet t ports", { ...T, set: "ports", key: ["inet_service"] }), [
    { key: [80] },
    { key: [443] },
  ]);
  const nets: SetDefinition = { ...T, set: "nets", key: ["ipv4_addr"], interval: true };
  assert.deepEqual(elementsOf("nft list set inet t nets", nets), [
    { key: [{ from: "10.0.0.0", to: "10.255.255.255" }] },
    { key: ["192.168.1.5"] },
  ]);
  const publish: SetDefinition = {
    ...T,
    set: "publish",
    key: ["inet_service"],
    value: ["ipv4_addr", "inet_service"],
  };
  assert.deepEqual(elementsOf("nft list map inet t publish", publish), [{ key: [8080], value: ["10.0.0.2", 80] }]);
  const verdicts: SetDefinition = { ...T, set: "verdicts", key: ["inet_service"], value: "verdict" };
  assert.deepEqual(elementsOf("nft list map inet t verdicts", verdicts), [
    { key: [22], value: { code: "accept" } },
    { key: [23], value: { code: "jump", chain: "other" } },
  ]);
});

test("joins intervals up to the highest key, side by side, and over several answers", () => {
  const set: SetDefinition = { ...T, set: "s", key: ["inet_service"], interval: true };
  const start = (port: number) => ({ key: { value: Uint8Array.of(port >> 8, port & 0xff) } });
  const end = (port: number) => ({ ...start(port), flags: ["NFT_SET_ELEM_INTERVAL_END"] as const });
  const listed = joinElements(set, [
    [start(65_000), end(90), start(80)],
    [start(90), end(100), end(0)],
  ]);
  assert.deepEqual(listed, [
    { key: [{ from: 80, to: 89 }] },
    { key: [{ from: 90, to: 99 }] },
    { key: [{ from: 65_000, to: 65_535 }] },
  ]);
});

test("shows a key of bits that is one value as one value", () => {
  const set: SetDefinition = { ...T, set: "s", key: ["ct_state", "inet_service"] };
  const key = { value: Uint8Array.of(6, 0, 0, 0, 0, 80, 0, 0) };
  assert.deepEqual(joinElements(set, [[{ key }]]), [{ key: [["established", "related"], 80] }]);
});

test("decodes rules: expressions, handles, comments, and what we have no name for", () => {
  const rules = answers("nft -a list table inet t", NFT_MSG_NEWRULE).map(decodeRule);
  const own = rules.filter(({ table }) => table === "t");
  const first = own.find(({ comment }) => comment === "old");
  assert.deepEqual([first?.family, first?.chain], ["inet", "c"]);
  assert.equal(typeof first?.handle, "bigint");
  assert.deepEqual(first?.expressions.at(-1), {
    kind: "immediate",
    data: { dreg: 0, data: { verdict: { code: "accept" } } },
  });
  const post = own.find(({ chain }) => chain === "post");
  assert.deepEqual(
    post?.expressions.map(({ kind }) => kind),
    ["meta", "cmp", "payload", "cmp", "meta", "cmp", "masq"],
  );
  const limited = own.flatMap(({ expressions }) => expressions).find(({ kind }) => kind === "unknown");
  assert.ok(limited?.kind === "unknown");
  assert.equal(limited.name, "connlimit");
});
