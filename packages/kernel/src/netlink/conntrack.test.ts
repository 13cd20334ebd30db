import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Connection,
  type ConnectionTuple,
  connectionBody,
  decodeConnection,
  deleteConnection,
  isOfPortMapping,
  listConnections,
} from "./conntrack.ts";
import { goldenCapture, goldenCaptures, receivedDatagrams, sentBytes } from "./golden/golden-file.ts";
import { assertSameMessage, decodeFaithfully } from "./golden/same-message.ts";
import { decodeMessages, type NetlinkMessage } from "./message.ts";

function sent(command: string): NetlinkMessage {
  const [message] = decodeMessages(sentBytes(goldenCapture("conntrack", command)));
  assert.ok(message !== undefined);
  return message;
}

function connections(command: string): Connection[] {
  return receivedDatagrams(goldenCapture("conntrack", command))
    .flatMap(decodeMessages)
    .filter(({ type }) => type === 0x100)
    .map(decodeConnection);
}

const ORIGINAL: ConnectionTuple = {
  protocol: "IPPROTO_UDP",
  source: "10.0.0.1",
  destination: "10.0.0.2",
  sourcePort: 1000,
  destinationPort: 8080,
};

test("decodes a translated connection and an IPv6 one", () => {
  const [udp] = connections("conntrack -L").filter(({ original }) => original.protocol === "IPPROTO_UDP");
  assert.deepEqual(udp?.original, ORIGINAL);
  assert.deepEqual(udp?.reply, {
    protocol: "IPPROTO_UDP",
    source: "10.1.0.2",
    destination: "10.0.0.1",
    sourcePort: 53,
    destinationPort: 1000,
  });
  assert.ok(udp?.status.includes("IPS_CONFIRMED"));
  assert.equal(udp?.zone, 0);
  assert.ok((udp?.timeoutSeconds ?? 0) > 0);
  const [tcp] = connections("conntrack -L -f ipv6");
  assert.equal(tcp?.original.source, "fd00::1");
  assert.equal(tcp?.mark, 7);
});

test("finds the connections of a port mapping, and no others", () => {
  const [connection] = connections("conntrack -L").filter(({ original }) => original.protocol === "IPPROTO_UDP");
  assert.ok(connection !== undefined);
  const mapping = {
    protocol: "IPPROTO_UDP",
    hostPort: 8080,
    containerAddress: "10.1.0.2",
    containerPort: 53,
  } as const;
  assert.ok(isOfPortMapping(connection, mapping));
  assert.ok(isOfPortMapping(connection, { ...mapping, hostAddress: "10.0.0.2" }));
  assert.ok(!isOfPortMapping(connection, { ...mapping, hostAddress: "10.0.0.3" }));
  assert.ok(!isOfPortMapping(connection, { ...mapping, hostPort: 8081 }));
  assert.ok(!isOfPortMapping(connection, { ...mapping, protocol: "IPPROTO_TCP" }));
  assert.ok(!isOfPortMapping(connection, { ...mapping, containerAddress: "10.1.0.3" }));
  assert.ok(!isOfPortMapping(connection, { ...mapping, containerPort: 54 }));
});

test("asks for all connections as conntrack(8) does", () => {
  assertSameMessage(listConnections("ip6"), sent("conntrack -L -f ipv6"), connectionBody);
});

test("deletes by tuple with the very tuple that conntrack(8) sends", () => {
  // conntrack -D lists first and deletes with every detail of the entry; -G asks with the tuple alone, as we delete.
  const golden = sent("conntrack -G -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 8080");
  const request = deleteConnection({ original: ORIGINAL });
  assert.equal(request.type.number, sent("conntrack -D -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 8080").type);
  assert.equal(Buffer.from(request.body).toString("hex"), Buffer.from(golden.body).toString("hex"));
});

test("writes ICMP tuples of both IP versions, ids and zones", () => {
  const tuples: readonly ConnectionTuple[] = [
    { protocol: "IPPROTO_ICMP", source: "10.0.0.1", destination: "10.0.0.2", icmp: { id: 5, type: 8, code: 0 } },
    { protocol: "IPPROTO_ICMPV6", source: "fd00::1", destination: "fd00::2", icmp: { id: 5, type: 128, code: 0 } },
  ];
  for (const original of tuples) {
    const { body, type } = deleteConnection({ original, id: 9, zone: 3 });
    const back = decodeConnection({ type: type.number, flags: 0, sequence: 0, port: 0, length: 0, body });
    assert.deepEqual([back.original, back.id, back.zone], [original, 9, 3]);
  }
});

test("reads and writes again every byte of every request that conntrack(8) sent", () => {
  for (const capture of goldenCaptures("conntrack")) {
    for (const message of decodeMessages(sentBytes(capture))) {
      // CTA_PROTOINFO and the like, which -D sends along, are passed over.
      if (!capture.command.startsWith("conntrack -D")) decodeFaithfully(message, connectionBody);
    }
  }
});
