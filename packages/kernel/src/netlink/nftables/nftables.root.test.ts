import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { deleteConnection, isOfPortMapping, listConnections } from "../conntrack.ts";
import { LiveNamespace, whyNoLiveNamespace } from "../live/live-namespace.ts";
import type { NetlinkRequest } from "../request.ts";
import { addAddress } from "../rtnetlink/address-requests.ts";
import { changeLink, createLink } from "../rtnetlink/link-requests.ts";
import { addRoute } from "../rtnetlink/route-requests.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../socket.ts";
import { getGeneration, nftablesBatch } from "./batch.ts";
import { addChain, type ChainReference, chainPriorities, deleteChain, listChains } from "./chain.ts";
import { addElements, deleteElements, joinElements, listElements } from "./element.ts";
import { addRule, deleteRule, deleteRules, listRules } from "./rule.ts";
import { addr, anonymous, both, marks, nets, pairs, ports, publish, ruleSamples, verdicts } from "./rule-samples.ts";
import { addSet, listSets, type SetDefinition } from "./set.ts";
import { counter } from "./statements/effects.ts";
import { ct, ip, meta, udp } from "./statements/fields.ts";
import { dnat, masquerade } from "./statements/translations.ts";
import { accept, drop } from "./statements/verdicts.ts";
import { addTable, deleteTable, listTables, type TableFamily } from "./table.ts";

const missing = whyNoLiveNamespace("ip", "nft");
const options = missing === undefined ? {} : { skip: missing };

const T = { family: "inet", table: "t" } as const;
const VETH = createLink({ name: "v0", index: 10, kind: { kind: "veth", data: { peer: { name: "v1", index: 11 } } } });

/** Sends a transaction. */
async function commit(space: LiveNamespace, ...requests: readonly NetlinkRequest<unknown>[]): Promise<void> {
  await space.exchange(NETLINK_NETFILTER, nftablesBatch(requests));
}

const base = (
  chain: ChainReference,
  type: "filter" | "nat",
  hook: "input" | "forward" | "prerouting" | "postrouting",
  priority: number,
) => addChain({ ...chain, base: { type, hook, priority } });

/** What the rule samples stand in, as nft(8) is told and as we send it. */
const SETUP_TEXT = `
add table inet t; add chain inet t c { type filter hook input priority 0; }; add chain inet t other
add chain inet t pre { type nat hook prerouting priority -100; }; add chain inet t post { type nat hook postrouting priority 100; }
add chain inet t raw { type filter hook prerouting priority -300; }
add table ip v4; add chain ip v4 c { type filter hook input priority 0; }; add chain ip v4 post { type nat hook postrouting priority 100; }
add table ip6 v6; add chain ip6 v6 c { type filter hook input priority 0; }
add table bridge b; add chain bridge b c { type filter hook forward priority 0; }
add table netdev n; add chain netdev n c { type filter hook ingress device v0 priority 0; }
add set inet t ports { type inet_service; }; add set inet t pairs { type ipv4_addr . inet_service; }
add set inet t nets { type ipv4_addr; flags interval; }
add map inet t publish { type inet_service : ipv4_addr . inet_service; }; add map inet t addr { type inet_service : ipv4_addr; }
add map inet t marks { type inet_service : mark; }; add map inet t verdicts { type inet_service : verdict; }; add map inet t both { type inet_proto . inet_service : verdict; }
`;
const SETUP: readonly NetlinkRequest<unknown>[] = [
  addTable(T),
  base({ ...T, chain: "c" }, "filter", "input", 0),
  addChain({ ...T, chain: "other" }),
  base({ ...T, chain: "pre" }, "nat", "prerouting", chainPriorities.dstnat),
  base({ ...T, chain: "post" }, "nat", "postrouting", chainPriorities.srcnat),
  base({ ...T, chain: "raw" }, "filter", "prerouting", chainPriorities.raw),
  addTable({ family: "ip", table: "v4" }),
  base({ family: "ip", table: "v4", chain: "c" }, "filter", "input", 0),
  base({ family: "ip", table: "v4", chain: "post" }, "nat", "postrouting", 100),
  addTable({ family: "ip6", table: "v6" }),
  base({ family: "ip6", table: "v6", chain: "c" }, "filter", "input", 0),
  addTable({ family: "bridge", table: "b" }),
  base({ family: "bridge", table: "b", chain: "c" }, "filter", "forward", 0),
  addTable({ family: "netdev", table: "n" }),
  addChain({
    family: "netdev",
    table: "n",
    chain: "c",
    base: { type: "filter", hook: "ingress", priority: 0, devices: ["v0"] },
  }),
  ...[ports, pairs, nets, publish, addr, marks, verdicts, both].map((set) => addSet(set)),
];

test("every sample rule of ours lists in nft as the rule that nft itself makes of the text", options, async () => {
  await using ours = await LiveNamespace.open();
  await using theirs = await LiveNamespace.open();
  for (const space of [ours, theirs]) await space.exchange(NETLINK_ROUTE, [VETH]);
  // Bridge metadata is an option of the kernel of its own.
  const samples = ruleSamples.filter(([text]) => !text.includes("ibrname"));
  const rules = samples.map(([text, statements]) => {
    const [family, table, chain] = text.split(" ") as [TableFamily, string, string];
    return addRule({ family, table, chain, statements });
  });
  const set = [addSet(anonymous), ...addElements(anonymous, [{ key: [22] }, { key: [80] }])];
  await commit(ours, ...SETUP, ...set, ...rules);
  await theirs.runWith(`${SETUP_TEXT}${samples.map(([text]) => `add rule ${text}\n`).join("")}`, "nft", "-f", "-");
  const [own, golden] = [await ours.run("nft", "list", "ruleset"), await theirs.run("nft", "list", "ruleset")];
  assert.ok(golden.split("\n").length > samples.length);
  assert.equal(own, golden);

  const listed = await ours.values(NETLINK_NETFILTER, listRules());
  assert.equal(listed.length, samples.length);
  const chains = await ours.values(NETLINK_NETFILTER, listChains("inet"));
  assert.deepEqual(
    chains.map(({ chain }) => chain),
    ["c", "other", "pre", "post", "raw"],
  );
});

const SETS: readonly (readonly [string, readonly NetlinkRequest<unknown>[]])[] = (() => {
  const define = (set: string, key: SetDefinition["key"], more: Partial<SetDefinition> = {}): SetDefinition => ({
    ...T,
    set,
    key,
    ...more,
  });
  const names = define("names", ["ifname"]);
  const numbers = define("numbers", ["mark"]);
  const wide = define("wide", ["ipv6_addr"], { interval: true });
  const every = define("every", ["ipv4_addr"], { interval: true });
  const pair = define("pair", ["ipv4_addr", "inet_service"], { interval: true });
  const triple = define("triple", ["ifname", "ipv4_addr", "inet_proto"]);
  const routes = define("routes", ["ipv4_addr"], { interval: true, value: "verdict" });
  const macs = define("macs", ["ether_addr"]);
  const timed = define("timed", ["inet_service"]);
  return [
    [
      'add set inet t names { type ifname ; comment "who" ; }; add element inet t names { "v0", "eth0" }',
      [addSet({ ...names, comment: "who" }), ...addElements(names, [{ key: ["v0"] }, { key: ["eth0"] }])],
    ],
    [
      "add set inet t numbers { type mark ; }; add element inet t numbers { 1, 256 }",
      [addSet(numbers), ...addElements(numbers, [{ key: [1] }, { key: [256] }])],
    ],
    [
      "add set inet t wide { type ipv6_addr ; flags interval ; }; add element inet t wide { fd00::/8, 2001:db8::1, ff00::/8 }",
      [addSet(wide), ...addElements(wide, [{ key: ["fd00::/8"] }, { key: ["2001:db8::1"] }, { key: ["ff00::/8"] }])],
    ],
    [
      "add set inet t every { type ipv4_addr ; flags interval ; auto-merge ; }; add element inet t every { 0.0.0.0/1, 200.0.0.1-200.0.0.9 }",
      [
        addSet({ ...every, autoMerge: true }),
        ...addElements(every, [{ key: ["0.0.0.0/1"] }, { key: [{ from: "200.0.0.1", to: "200.0.0.9" }] }]),
      ],
    ],
    [
      "add set inet t pair { type ipv4_addr . inet_service ; flags interval ; }; add element inet t pair { 10.0.0.0/24 . 80-90, 10.1.0.1 . 443 }",
      [
        addSet(pair),
        ...addElements(pair, [{ key: ["10.0.0.0/24", { from: 80, to: 90 }] }, { key: ["10.1.0.1", 443] }]),
      ],
    ],
    [
      'add set inet t triple { type ifname . ipv4_addr . inet_proto ; }; add element inet t triple { "v0" . 10.0.0.1 . tcp }',
      [addSet(triple), ...addElements(triple, [{ key: ["v0", "10.0.0.1", "tcp"] }])],
    ],
    [
      "add map inet t routes { type ipv4_addr : verdict ; flags interval ; }; add element inet t routes { 10.0.0.0/24 : jump other, 10.0.1.0/24 : drop }",
      [
        addSet(routes),
        ...addElements(routes, [
          { key: ["10.0.0.0/24"], value: { code: "jump", chain: "other" } },
          { key: ["10.0.1.0/24"], value: { code: "drop" } },
        ]),
      ],
    ],
    [
      "add set inet t macs { type ether_addr ; size 10 ; policy memory ; }; add element inet t macs { 02:00:00:00:00:01 }",
      [addSet({ ...macs, elementsMax: 10, policy: "memory" }), ...addElements(macs, [{ key: ["02:00:00:00:00:01"] }])],
    ],
    [
      'add set inet t timed { type inet_service ; flags timeout ; }; add element inet t timed { 80 comment "web" }',
      [addSet({ ...timed, timeout: true }), ...addElements(timed, [{ key: [80], comment: "web" }])],
    ],
  ];
})();

test("sets and maps of ours list in nft as those that nft makes, elements and all", options, async () => {
  await using ours = await LiveNamespace.open();
  await using theirs = await LiveNamespace.open();
  await commit(ours, addTable(T), addChain({ ...T, chain: "other" }), ...SETS.flatMap(([, requests]) => requests));
  const text = `add table inet t; add chain inet t other\n${SETS.map(([line]) => `${line}\n`).join("")}`;
  await theirs.runWith(text, "nft", "-f", "-");
  assert.equal(await ours.run("nft", "list", "ruleset"), await theirs.run("nft", "list", "ruleset"));
});

test("reads back the elements that it added, and deletes some", options, async () => {
  await using space = await LiveNamespace.open();
  const set: SetDefinition = { ...T, set: "s", key: ["ipv4_addr"], interval: true, value: ["inet_service"] };
  const elements = Array.from({ length: 200 }, (_, index) => ({
    key: [{ from: `10.0.${index}.1`, to: `10.0.${index}.9` }],
    value: [index],
  }));
  const highest = { key: ["255.255.255.0/24"], value: [7] };
  await commit(space, addTable(T), addSet(set), ...addElements(set, [...elements, highest]));
  const read = async () => joinElements(set, await space.values(NETLINK_NETFILTER, listElements(set)));
  assert.deepEqual(await read(), [
    ...elements,
    { key: [{ from: "255.255.255.0", to: "255.255.255.255" }], value: [7] },
  ]);
  await commit(space, ...deleteElements(set, [...elements.slice(1), highest]));
  assert.deepEqual(await read(), elements.slice(0, 1));
  const [listed] = await space.values(NETLINK_NETFILTER, listSets(T));
  assert.deepEqual([listed?.key, listed?.value], [["ipv4_addr"], ["inet_service"]]);
});

test("a batch is done whole or not at all, and only in its generation", options, async () => {
  await using space = await LiveNamespace.open();
  const chain = { ...T, chain: "c" };
  await assert.rejects(
    commit(space, addTable(T), addChain(chain), addRule({ ...T, chain: "nowhere", statements: [accept] })),
    (error) =>
      error instanceof OrlopError &&
      error.code === "not-found" &&
      error.message.startsWith('Cannot add rule to chain "inet t nowhere": no such file or directory (ENOENT)'),
  );
  assert.deepEqual(await space.values(NETLINK_NETFILTER, listTables()), []);

  const [before] = await space.values(NETLINK_NETFILTER, getGeneration());
  const generation = before?.id ?? 0;
  await space.exchange(NETLINK_NETFILTER, nftablesBatch([addTable(T), addChain(chain)], { generation }));
  await assert.rejects(
    space.exchange(NETLINK_NETFILTER, nftablesBatch([deleteTable(T)], { generation })),
    (error) =>
      error instanceof OrlopError &&
      error.code === "conflict" &&
      error.errno === "ERESTART" &&
      error.message.startsWith("Cannot commit nftables batch: "),
  );
  const [after] = await space.values(NETLINK_NETFILTER, getGeneration());
  assert.ok((after?.id ?? 0) > generation);
});

test("places rules, hears their handles, and deletes by them", options, async () => {
  await using space = await LiveNamespace.open();
  const chain = { ...T, chain: "c" };
  const rule = (comment: string) => ({ ...chain, statements: [accept], comment });
  const first = addRule(rule("first"), { echo: true });
  const exchange = await space.exchange(NETLINK_NETFILTER, nftablesBatch([addTable(T), addChain(chain), first]));
  const [echoed] = exchange.values(first);
  assert.equal(echoed?.comment, "first");
  const handle = echoed?.handle ?? 0n;
  await commit(
    space,
    addRule(rule("end")),
    addRule(rule("start"), { place: { at: "start" } }),
    addRule(rule("before"), { place: { before: handle } }),
    addRule(rule("after"), { place: { after: handle } }),
  );
  const comments = async () => (await space.values(NETLINK_NETFILTER, listRules(chain))).map(({ comment }) => comment);
  assert.deepEqual(await comments(), ["start", "before", "first", "after", "end"]);
  await commit(space, addRule(rule("instead"), { place: { instead: handle } }));
  assert.deepEqual(await comments(), ["start", "before", "instead", "after", "end"]);
  const [start] = await space.values(NETLINK_NETFILTER, listRules(chain));
  await commit(space, deleteRule({ ...chain, handle: start?.handle ?? 0n }));
  assert.deepEqual(await comments(), ["before", "instead", "after", "end"]);
  await commit(space, deleteRules(chain));
  assert.deepEqual(await comments(), []);
  await commit(space, deleteChain(chain));
  await commit(space, deleteTable(T));
  assert.equal(await space.run("nft", "list", "ruleset"), "");
});

const forward = { ...T, chain: "forward" };
const prerouting = { ...T, chain: "prerouting" };
const postrouting = { ...T, chain: "postrouting" };

/** A client at 192.0.2.2 and a container at 10.88.0.2 behind a bridge, with a router between them. */
async function connect(router: LiveNamespace, client: LiveNamespace, server: LiveNamespace): Promise<void> {
  const [clientPid, serverPid] = [await client.pid(), await server.pid()];
  const pair = (name: string, index: number, netnsPid: number) =>
    createLink({ name, index, up: true, kind: { kind: "veth", data: { peer: { name: "eth0", index: 9, netnsPid } } } });
  await router.exchange(NETLINK_ROUTE, [
    pair("client0", 10, clientPid),
    pair("server0", 11, serverPid),
    createLink({ name: "br0", index: 12, up: true, kind: { kind: "bridge" } }),
    changeLink(11, { master: 12 }),
    addAddress({ index: 10, address: "192.0.2.1/24" }),
    addAddress({ index: 12, address: "10.88.0.1/16" }),
  ]);
  const inside = (address: string, gateway: string): NetlinkRequest[] => [
    changeLink(9, { up: true }),
    addAddress({ index: 9, address }),
    addRoute({ destination: "0.0.0.0/0", gateway }),
  ];
  await client.exchange(NETLINK_ROUTE, inside("192.0.2.2/24", "192.0.2.1"));
  await server.exchange(NETLINK_ROUTE, inside("10.88.0.2/16", "10.88.0.1"));
  await router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
}

/** What a container host has: UDP port 8080 published as the container's 53, and only port 7000 open to the outside. */
const HOST_RULES: readonly NetlinkRequest<unknown>[] = [
  addTable(T),
  base(forward, "filter", "forward", chainPriorities.filter),
  base(prerouting, "nat", "prerouting", chainPriorities.dstnat),
  base(postrouting, "nat", "postrouting", chainPriorities.srcnat),
  addRule({ ...prerouting, statements: [udp.dport.is(8080), dnat({ address: "10.88.0.2", port: 53 })] }),
  addRule({ ...postrouting, statements: [ip.saddr.is("10.88.0.0/16"), meta.oifname.isNot("br0"), masquerade()] }),
  addRule({ ...forward, statements: [ct.state.has("established", "related"), accept] }),
  addRule({ ...forward, statements: [ct.status.has("dnat"), accept] }),
  addRule({ ...forward, statements: [meta.iifname.is("br0"), udp.dport.is(7000), accept] }),
  addRule({ ...forward, statements: [counter(), drop] }),
];

test("publishes a UDP port, masquerades, drops the rest, and forgets a mapping's connections", options, async () => {
  await using router = await LiveNamespace.open();
  await using client = await LiveNamespace.open();
  await using server = await LiveNamespace.open();
  await connect(router, client, server);
  await commit(router, ...HOST_RULES);

  const asking = await client.udp("192.0.2.2", 4000, ["192.0.2.1", 8080]);
  const serving = await server.udp("10.88.0.2", 53);
  await asking.send("hello");
  assert.deepEqual(await serving.receive(), ["hello", "192.0.2.2", 4000]);
  await serving.answer("and you", ["192.0.2.2", 4000]);
  assert.deepEqual(await asking.receive(), ["and you", "192.0.2.1", 8080]);

  const outgoing = await server.udp("10.88.0.2", 5000, ["192.0.2.2", 7000]);
  const outside = await client.udp("192.0.2.2", 7000);
  await outgoing.send("masked");
  assert.deepEqual(await outside.receive(), ["masked", "192.0.2.1", 5000]);

  const refused = await server.udp("10.88.0.2", 5001, ["192.0.2.2", 7001]);
  const silent = await client.udp("192.0.2.2", 7001);
  await refused.send("lost");
  assert.equal(await silent.receive(0.2), null, "everything else is dropped");
  const rules = await router.values(NETLINK_NETFILTER, listRules(forward));
  const counted = rules.flatMap(({ expressions }) => expressions).find(({ kind }) => kind === "counter");
  assert.ok(counted?.kind === "counter");
  assert.equal(counted.data?.packets, 1n);

  const mapping = {
    protocol: "IPPROTO_UDP",
    hostPort: 8080,
    containerAddress: "10.88.0.2",
    containerPort: 53,
  } as const;
  const tracked = await router.values(NETLINK_NETFILTER, listConnections("ip"));
  const ours = tracked.filter((connection) => isOfPortMapping(connection, mapping));
  assert.equal(ours.length, 1);
  await commit(router, deleteRules(prerouting));
  await asking.send("still tracked");
  assert.equal((await serving.receive())?.[0], "still tracked", "conntrack keeps a mapping that is gone");
  await router.exchange(NETLINK_NETFILTER, ours.map(deleteConnection));
  await assert.rejects(
    router.exchange(NETLINK_NETFILTER, ours.map(deleteConnection)),
    (error) => error instanceof OrlopError && error.code === "not-found" && error.errno === "ENOENT",
  );
  await asking.send("no more");
  assert.equal(await serving.receive(0.2), null);
});
