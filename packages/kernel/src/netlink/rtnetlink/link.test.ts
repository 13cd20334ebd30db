import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "../golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "../golden/same-message.ts";
import { decodeMessages, type NetlinkMessage } from "../message.ts";
import { encodeRequest, type NetlinkRequest, valueOffset } from "../request.ts";
import { decodeLink, linkBody } from "./link.ts";
import { addAlternativeName, changeLink, createLink, deleteLink, listLinks } from "./link-requests.ts";

function golden(command: string): NetlinkMessage {
  const [message] = decodeMessages(sentBytes(goldenCapture("link", command)));
  assert.ok(message !== undefined);
  return message;
}

const BRIDGE_COMMAND =
  "ip link add br1 index 20 mtu 1400 address 02:00:00:00:00:20 txqueuelen 500 type bridge forward_delay 400 " +
  "hello_time 200 max_age 1000 ageing_time 3000 stp_state 1 priority 100 vlan_filtering 0 group_fwd_mask 8 " +
  "mcast_snooping 0 mcast_querier 1 mcast_router 2 nf_call_iptables 1 nf_call_ip6tables 0 nf_call_arptables 1";
const VXLAN_COMMAND =
  "ip link add vx0 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dev v0 dstport 4789 srcport 1000 2000 ttl 5 tos 4 nolearning udpcsum";
const VETH_COMMAND =
  "ip link add v2 mtu 1300 address 02:00:00:00:00:02 type veth peer name eth0 mtu 1300 address 02:00:00:00:00:03 netns 1";

// table: what iproute2 sends, and the call of ours that must send the same
const REQUESTS: readonly (readonly [string, NetlinkRequest<unknown>])[] = [
  ["ip link add br0 type bridge", createLink({ name: "br0", kind: { kind: "bridge" } })],
  [
    BRIDGE_COMMAND,
    createLink({
      name: "br1",
      index: 20,
      mtu: 1400,
      address: "02:00:00:00:00:20",
      transmitQueueLength: 500,
      kind: {
        kind: "bridge",
        data: {
          forwardDelayCentiseconds: 400,
          helloTimeCentiseconds: 200,
          maxAgeCentiseconds: 1000,
          ageingTimeCentiseconds: 3000,
          stpState: 1,
          priority: 100,
          vlanFiltering: false,
          groupForwardMask: 8,
          multicastSnooping: false,
          multicastQuerier: true,
          multicastRouter: 2,
          callIptables: true,
          callIp6tables: false,
          callArptables: true,
        },
      },
    }),
  ],
  [
    "ip link add br2 type bridge vlan_filtering 1 vlan_protocol 802.1ad vlan_default_pvid 7",
    createLink({
      name: "br2",
      kind: { kind: "bridge", data: { vlanFiltering: true, vlanProtocol: "ETH_P_8021AD", vlanDefaultPvid: 7 } },
    }),
  ],
  [
    "ip link add v0 type veth peer name v1",
    createLink({ name: "v0", kind: { kind: "veth", data: { peer: { name: "v1" } } } }),
  ],
  [
    VETH_COMMAND,
    createLink({
      name: "v2",
      mtu: 1300,
      address: "02:00:00:00:00:02",
      kind: {
        kind: "veth",
        data: { peer: { name: "eth0", mtu: 1300, address: "02:00:00:00:00:03", netnsPid: 1 } },
      },
    }),
  ],
  [
    "ip link add v4 type veth peer name eth0 netns /proc/self/ns/net",
    createLink({ name: "v4", kind: { kind: "veth", data: { peer: { name: "eth0", netnsFd: 4 } } } }),
  ],
  [
    VXLAN_COMMAND,
    createLink({
      name: "vx0",
      kind: {
        kind: "vxlan",
        data: {
          id: 42,
          local: "10.0.0.1",
          group: "10.0.0.2",
          link: 5,
          port: 4789,
          portRange: { low: 1000, high: 2000 },
          ttl: 5,
          tos: 4,
          learning: false,
          udpChecksum: true,
        },
      },
    }),
  ],
  [
    "ip link add vx2 type vxlan id 44 local fd00::1 remote fd00::2 dstport 4789 l2miss l3miss proxy rsc gbp",
    createLink({
      name: "vx2",
      kind: {
        kind: "vxlan",
        data: {
          id: 44,
          local6: "fd00::1",
          group6: "fd00::2",
          port: 4789,
          l2miss: true,
          l3miss: true,
          proxy: true,
          routeShortCircuit: true,
          groupBasedPolicy: true,
          learning: true,
        },
      },
    }),
  ],
  [
    "ip link add mv0 link v0 type macvlan mode bridge",
    createLink({ name: "mv0", link: 5, kind: { kind: "macvlan", data: { mode: "MACVLAN_MODE_BRIDGE" } } }),
  ],
  [
    "ip link add link v0 name v0.7 type vlan id 7",
    createLink({ name: "v0.7", link: 5, kind: { kind: "vlan", data: { id: 7 } } }),
  ],
  [
    "ip link add link v0 name v0.8 type vlan protocol 802.1ad id 8 reorder_hdr off gvrp on",
    createLink({
      name: "v0.8",
      link: 5,
      kind: {
        kind: "vlan",
        data: {
          protocol: "ETH_P_8021AD",
          id: 8,
          flags: { flags: ["VLAN_FLAG_GVRP"], mask: ["VLAN_FLAG_REORDER_HDR", "VLAN_FLAG_GVRP"] },
        },
      },
    }),
  ],
  ["ip link add d0 type dummy", createLink({ name: "d0", kind: { kind: "dummy" } })],
  [
    "ip link add iv0 link v0 type ipvlan mode l3",
    createLink({ name: "iv0", link: 5, kind: { kind: "ipvlan", data: { mode: "IPVLAN_MODE_L3", flags: [] } } }),
  ],
  [
    "ip link add m0 numtxqueues 4 numrxqueues 2 type macvlan",
    createLink({ name: "m0", transmitQueues: 4, receiveQueues: 2, kind: { kind: "macvlan" } }),
  ],
  ["ip link set v0 master br0", changeLink(5, { master: 2 })],
  ["ip link set v0 nomaster", changeLink(5, { master: 0 })],
  ["ip link set v0 up", changeLink(5, { up: true })],
  ["ip link set v0 down", changeLink(5, { up: false })],
  ["ip link set v0 mtu 1400", changeLink(5, { mtu: 1400 })],
  ["ip link set v0 address 02:00:00:00:00:44", changeLink(5, { address: "02:00:00:00:00:44" })],
  ["ip link set v0 name w0", changeLink(5, { name: "w0" })],
  ["ip link set w0 alias hello", changeLink(5, { alias: "hello" })],
  ["ip link set w0 txqueuelen 10", changeLink(5, { transmitQueueLength: 10 })],
  ["ip link set w0 group 5", changeLink(5, { group: 5 })],
  [
    "ip link set w0 addrgenmode none",
    changeLink(5, { protocols: { inet6: { addressGenerationMode: "IN6_ADDR_GEN_MODE_NONE" } } }),
  ],
  ["ip link set w0 promisc on arp off", changeLink(5, { set: ["IFF_NOARP", "IFF_PROMISC"] })],
  ["ip link set w0 netns 1", changeLink(5, { netnsPid: 1 })],
  ["ip link set v1 netns /proc/self/ns/net", changeLink(4, { netnsFd: 4 })],
  ["ip link set br0 type bridge stp_state 1", changeLink(2, { kind: { kind: "bridge", data: { stpState: 1 } } })],
  ["ip link property add dev v1 altname another-name", addAlternativeName(4, "another-name")],
  ["ip link del v1", deleteLink(4)],
];

for (const [command, request] of REQUESTS) {
  test(`sends what "${command.slice(0, 60)}" sends`, () => {
    assertSameMessage(request, golden(command), linkBody);
  });
}

test("reads and writes again every byte of every link request that iproute2 sent", () => {
  // That command sends IFLA_INFO_KIND "bridge_slave" with the data of a port, which no kernel reads back so.
  const odd = "ip link set v1 type bridge_slave hairpin on isolated on learning off";
  for (const capture of goldenCaptures("link").filter(({ command }) => command !== odd)) {
    for (const message of decodeMessages(sentBytes(capture))) decodeFaithfully(message, linkBody);
  }
});

test("decodes a dump of links with every detail", () => {
  const capture = goldenCapture("link-answers", "ip -d -s link show");
  const messages = receivedDatagrams(capture).flatMap(decodeMessages);
  const links = messages.filter(({ type }) => type === 16).map(decodeLink);
  const byName = new Map(links.map((link) => [link.name, link]));
  assert.deepEqual([...byName.keys()].sort(), ["br0", "lo", "mv0", "v0", "v1", "vx0"]);
  const [v0, br0, vx0, mv0, lo] = ["v0", "br0", "vx0", "mv0", "lo"].map((name) => byName.get(name));
  assert.equal(v0?.index, 10);
  assert.equal(v0?.address, "02:00:00:00:00:10");
  assert.equal(v0?.link, 11);
  assert.equal(v0?.master, 20);
  assert.equal(v0?.alias, "hello");
  assert.equal(v0?.mtu, 1500);
  assert.deepEqual(v0?.alternativeNames, ["another-name"]);
  assert.equal(v0?.operationalState, "IF_OPER_UP");
  assert.ok(v0?.flags.includes("IFF_UP") === true && v0.flags.includes("IFF_LOWER_UP"));
  assert.equal(v0?.info?.own?.kind, "veth");
  assert.equal(typeof v0?.statistics?.rxPackets, "bigint");
  const port = v0?.info?.port;
  assert.ok(port?.kind === "bridge");
  assert.equal(port.data?.state, "BR_STATE_FORWARDING");
  assert.equal(port.data?.hairpin, false);
  assert.equal(port.data?.learning, true);
  assert.ok(br0?.info?.own?.kind === "bridge");
  assert.equal(br0.info.own.data?.forwardDelayCentiseconds, 1500);
  assert.ok(vx0?.info?.own?.kind === "vxlan");
  assert.deepEqual(
    [vx0.info.own.data?.id, vx0.info.own.data?.local, vx0.info.own.data?.group, vx0.info.own.data?.port],
    [42, "10.0.0.1", "10.0.0.2", 4789],
  );
  assert.ok(mv0?.info?.own?.kind === "macvlan");
  assert.equal(mv0.info.own.data?.mode, "MACVLAN_MODE_BRIDGE");
  assert.equal(lo?.hardwareType, "ARPHRD_LOOPBACK");
});

test("says where a namespace descriptor stands in an encoded request", () => {
  const request = createLink({ name: "v0", kind: { kind: "veth", data: { peer: { name: "eth0", netnsFd: 77 } } } });
  const offset = valueOffset(request, "IFLA_LINKINFO.IFLA_INFO_DATA.VETH_INFO_PEER.IFLA_NET_NS_FD");
  const bytes = encodeRequest(request, 1);
  assert.equal(new DataView(bytes.buffer).getUint32(offset, true), 77);
  assert.equal(valueOffset(request, "ifi_index"), 16 + 4);
  assert.throws(
    () => valueOffset(request, "IFLA_MTU"),
    (error) => error instanceof OrlopError && error.code === "not-found",
  );
});

test("filters a dump by what the kernel filters by", () => {
  const [message] = decodeMessages(encodeRequest(listLinks({ master: 3, kind: "veth", withoutStatistics: true }), 1));
  assert.ok(message !== undefined);
  const value = decodeFaithfully(message, linkBody);
  assert.equal(value.master, 3);
  assert.deepEqual(value.info, { own: { kind: "veth" } });
  assert.deepEqual(value.extendedMask, ["RTEXT_FILTER_SKIP_STATS"]);
});

test("refuses what no link can have, by field", () => {
  const refusals: readonly (readonly [() => unknown, RegExp])[] = [
    [() => createLink({ name: "a-name-too-long-for-one", kind: { kind: "dummy" } }), /IFLA_IFNAME/],
    [() => createLink({ name: "d0", mtu: -1, kind: { kind: "dummy" } }), /IFLA_MTU": -1 is not an integer from 0/],
    [() => createLink({ name: "d0", address: "nonsense", kind: { kind: "dummy" } }), /IFLA_ADDRESS": "nonsense"/],
    [() => createLink({ name: "d\0", kind: { kind: "dummy" } }), /NUL/],
    [() => changeLink("d0", { name: "d1" }), /rename link "d0"/],
    [() => createLink({ name: "v", kind: { kind: "vxlan", data: { local: "fd00::1" } } }), /IFLA_VXLAN_LOCAL/],
  ];
  for (const [call, words] of refusals) {
    assert.throws(
      call,
      (error) => error instanceof OrlopError && error.code === "invalid" && words.test(error.message),
    );
  }
});
