import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { decodeAcknowledgement } from "./answer.ts";
import { ByteReader } from "./byte-reader.ts";
import type { Codec } from "./codec.ts";
import { connectionBody, decodeConnection } from "./conntrack.ts";
import { NetlinkExchange } from "./exchange.ts";
import { goldenCaptures } from "./golden/golden-file.ts";
import { decodeMessages, type NetlinkMessage } from "./message.ts";
import { decodeGeneration } from "./nftables/batch.ts";
import { decodeChain } from "./nftables/chain.ts";
import { decodeElements, joinElements } from "./nftables/element.ts";
import { expression } from "./nftables/expression.ts";
import { decodeRule as decodeNftablesRule } from "./nftables/rule.ts";
import { decodeSet } from "./nftables/set.ts";
import { decodeTable } from "./nftables/table.ts";
import { decodeUserData } from "./nftables/user-data.ts";
import { decodeAddress } from "./rtnetlink/address.ts";
import { bridgePortBody } from "./rtnetlink/bridge-port.ts";
import { decodeLink } from "./rtnetlink/link.ts";
import { listLinks } from "./rtnetlink/link-requests.ts";
import { neighbourBody } from "./rtnetlink/neighbour.ts";
import { decodeRoute } from "./rtnetlink/route-requests.ts";
import { decodeRule } from "./rtnetlink/rule-requests.ts";

const FILES = [
  "link",
  "link-answers",
  "bridge-port",
  "address",
  "route",
  "neighbour",
  "rule",
  "nftables-objects",
  "nftables-rules",
  "nftables-answers",
  "conntrack",
];

const intervals = {
  family: "inet",
  table: "t",
  set: "s",
  key: ["ipv4_addr"],
  value: "verdict",
  interval: true,
} as const;
const pairs = { family: "inet", table: "t", set: "s", key: ["ipv4_addr", "ct_state"], value: ["ifname"] } as const;

const ofCodec =
  <T>(codec: Codec<T>) =>
  ({ body }: NetlinkMessage): unknown =>
    codec.read(new ByteReader(body, "fuzz"));

/** Every decoder, given whatever message; those that look at the type see all types. */
const DECODERS: readonly ((message: NetlinkMessage) => unknown)[] = [
  decodeLink,
  decodeAddress,
  decodeRoute,
  decodeRule,
  decodeTable,
  decodeChain,
  decodeNftablesRule,
  decodeSet,
  decodeElements,
  decodeGeneration,
  decodeConnection,
  decodeAcknowledgement,
  (message) => joinElements(intervals, [decodeElements({ ...message, type: 0xa0c })]),
  (message) => joinElements(pairs, [decodeElements({ ...message, type: 0xa0c })]),
  ofCodec(bridgePortBody),
  ofCodec(neighbourBody),
  ofCodec(connectionBody),
  ofCodec(expression),
  ({ body }) => decodeUserData(body),
];

/** The types that a decoder takes, so that each message also reaches the decoders of other families. */
const TYPES = [2, 3, 16, 20, 24, 32, 0x100, 0xa00, 0xa03, 0xa06, 0xa09, 0xa0c, 0xa0f];

function mulberry(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

function decodesOrRefuses(call: () => unknown, what: () => string): void {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof OrlopError && error.code === "invalid", `${what()}: ${String(error)}`);
  }
}

function mutated(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = bytes.slice(0, random(8) === 0 ? random(bytes.length + 1) : bytes.length);
  for (let count = random(4); count >= 0; count--) {
    if (copy.length === 0) break;
    const at = random(copy.length);
    copy[at] = random(3) === 0 ? random(256) : (copy[at] ?? 0) ^ (1 << random(8));
  }
  return copy;
}

function everyDecoder(body: Uint8Array, flags: number): void {
  const what = () => Buffer.from(body).toString("hex");
  for (const type of TYPES) {
    const message = { type, flags, sequence: 1, port: 0, length: 16 + body.length, body };
    for (const decode of DECODERS) decodesOrRefuses(() => decode(message), what);
  }
}

/** `ORLOP_FUZZ_RUNS=100000` looks for longer, and less than these at a part of the messages only. */
const RUNS_USUAL = 300;
const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? RUNS_USUAL);

/** Each of them, or for a short look one of several, evenly spread. */
function short<Value>(values: readonly Value[]): readonly Value[] {
  const step = Math.max(1, Math.round(RUNS_USUAL / RUNS));
  return values.filter((_, index) => index % step === 0);
}

const corpus = FILES.flatMap(goldenCaptures).flatMap(({ exchanges }) =>
  exchanges.flatMap(({ sent, received = [] }) =>
    [sent, ...received].map((hex) => Uint8Array.from(Buffer.from(hex, "hex"))),
  ),
);

test("every decoder takes or refuses mutations of real messages, and does nothing else", () => {
  const random = mulberry(20_26);
  const bodies = corpus.flatMap((datagram) => {
    try {
      return decodeMessages(datagram).map(({ body }) => body);
    } catch {
      return [];
    }
  });
  assert.ok(bodies.length > 400);
  for (const body of short(bodies)) {
    for (let round = 0; round < 2; round++) everyDecoder(mutated(body, random), random(0x1000));
  }
});

test("every decoder takes or refuses random bytes", () => {
  const random = mulberry(7);
  for (let round = 0; round < RUNS; round++) {
    everyDecoder(
      Uint8Array.from({ length: random(200) }, () => random(256)),
      random(0x1000),
    );
  }
});

test("datagrams cut and mutated anywhere are messages or refused", () => {
  const random = mulberry(99);
  for (const datagram of corpus) {
    for (let round = 0; round < 8; round++) {
      const bytes = mutated(datagram, random);
      decodesOrRefuses(
        () => decodeMessages(bytes),
        () => Buffer.from(bytes).toString("hex"),
      );
    }
  }
});

test("an exchange given mutated answers decodes them or throws an OrlopError", () => {
  const random = mulberry(3);
  for (const datagram of corpus.filter(({ length }) => length >= 16)) {
    const bytes = mutated(datagram, random);
    if (bytes.length < 16) continue;
    new DataView(bytes.buffer).setUint32(8, 1, true);
    const exchange = new NetlinkExchange([listLinks()], { sequence: 1 });
    try {
      exchange.accept(bytes);
    } catch (error) {
      assert.ok(error instanceof OrlopError, String(error));
    }
  }
});
