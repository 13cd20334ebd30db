import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import type { EgressPolicy, Endpoint, NetworkInfo } from "@orlop/core";
import { Answerer, addressesOf } from "./answerer.ts";
import {
  DNS_CLASS_IN,
  DNS_CODES,
  DNS_TYPES,
  decodeQuery,
  decodeResponse,
  encodeAnswer,
  encodeQuery,
} from "./dns-message.ts";
import { NameTable } from "./name-table.ts";
import { Upstream } from "./upstream.ts";

const network = (name: string, third: number, more: Partial<NetworkInfo> = {}): NetworkInfo => ({
  id: name,
  name,
  driver: "bridge",
  subnets: [{ prefix: `10.0.${third}.0/24`, gateway: `10.0.${third}.1` }],
  internal: false,
  labels: {},
  options: {},
  createdAtMs: 0,
  ...more,
});

const endpoint = (id: string, on: string, address: string, egress: EgressPolicy = "all"): Endpoint => ({
  id,
  network: on,
  interfaceName: "eth0",
  addresses: [`${address}/24`, `fd00::${address.split(".").at(-1)}/64`],
  hardwareAddress: "",
  gateways: [],
  routes: [],
  resolvers: { servers: [], search: [], options: [] },
  names: [id, `${id}-alias`],
  ports: [],
  egress,
  labels: {},
});

const NETWORKS = [network("app", 1), network("side", 2), network("vault", 3, { internal: true })];
const POLICY = {
  allow: [{ to: "good.example", protocol: "tcp", ports: [443, 443] }, { to: "*.wide.example" }],
} as const;
const ENDPOINTS = [
  endpoint("db", "app", "10.0.1.2"),
  endpoint("web", "app", "10.0.1.3"),
  endpoint("web", "side", "10.0.2.3"),
  endpoint("lone", "side", "10.0.2.4"),
  endpoint("held", "app", "10.0.1.5", POLICY),
  endpoint("safe", "vault", "10.0.3.2"),
];

/** A server that knows every name, and what it was asked. */
class World implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #socket = createSocket("udp4");
  /** What somebody else sends before it. */
  lies: readonly ((answer: Buffer) => Buffer)[] = [];

  async open(): Promise<number> {
    this.#socket.on("message", (message, { port }) => {
      const answer = this.#answer(message);
      for (const lie of this.lies) this.#socket.send(lie(answer), port, "127.0.0.1");
      this.#socket.send(answer, port, "127.0.0.1");
    });
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }

  #answer(message: Buffer): Buffer {
    const query = decodeQuery(message);
    assert.ok(query !== undefined && "question" in query);
    const { name } = query.question;
    this.asked.push(name.join("."));
    const answers = [{ name, type: DNS_TYPES.A, ttlSeconds: 60, data: Buffer.of(192, 0, 2, 7) }];
    return encodeAnswer(query, { code: DNS_CODES.NOERROR, answers }, 512);
  }
}

interface Opened {
  ask(from: string, name: string, type?: number): Promise<string | undefined>;
  readonly let: string[];
}

async function open(world: World): Promise<Opened> {
  const port = await world.open();
  const found: string[] = [];
  const table = new NameTable(NETWORKS, ENDPOINTS);
  const answerer = new Answerer({
    table: () => table,
    upstream: new Upstream({ servers: () => ["127.0.0.1"], port, timeoutMs: 10_000 }),
    letOut: async ({ id }, name, addresses) => {
      found.push(`${id} ${name} ${addresses.map(({ address }) => address).join()}`);
    },
  });
  /** Code and addresses, or the name that there is; undefined: nothing is said. */
  async function ask(from: string, name: string, type: number = DNS_TYPES.A): Promise<string | undefined> {
    const [, , third = ""] = from.split(".");
    const on = NETWORKS[Number(third) - 1]?.name ?? "app";
    const bytes = encodeQuery({ id: 7, question: { name: name.split("."), type, class: DNS_CLASS_IN } });
    const answer = await answerer.answer(on, bytes, { source: from, transport: "udp" });
    if (answer === undefined) return undefined;
    const response = decodeResponse(answer);
    assert.equal(response.id, 7);
    const code = Object.entries(DNS_CODES).find(([, value]) => value === ((answer[3] ?? 0) & 15))?.[0];
    const names = response.answers
      .filter(({ type: each }) => each === DNS_TYPES.PTR)
      .map(({ data }) => data.toString());
    return [code, ...addressesOf(response).map(({ address }) => address), ...names].join(" ");
  }
  return { ask, let: found };
}

test("names of the networks that somebody is on are answered, with addresses of both kinds and backwards", async () => {
  await using world = new World();
  const { ask } = await open(world);
  for (const name of ["db", "DB", "db-alias", "db.app", "db.app.orlop.internal"]) {
    assert.equal(await ask("10.0.1.3", name), "NOERROR 10.0.1.2", name);
  }
  assert.equal(await ask("10.0.1.3", "db", DNS_TYPES.AAAA), "NOERROR fd00::2");
  assert.equal(await ask("10.0.1.3", "db", DNS_TYPES.SOA), "NOERROR");
  assert.equal(await ask("10.0.1.3", "lone"), "NOERROR 10.0.2.4", "it is on both");
  assert.equal(await ask("10.0.1.3", "2.1.0.10.in-addr.arpa", DNS_TYPES.PTR), "NOERROR \u0002db\u0003app\0");
  assert.equal(await ask("10.0.1.3", "99.1.0.10.in-addr.arpa", DNS_TYPES.PTR), "NXDOMAIN");
  assert.equal(await ask("10.0.1.3", "nobody.app.orlop.internal"), "NXDOMAIN");
  assert.equal(await ask("10.0.2.4", "db.app.orlop.internal"), "NXDOMAIN", "it is not on that network");
  assert.deepEqual(world.asked, []);
});

test("the rest is asked of the host's servers, for those that may ask", async () => {
  await using world = new World();
  const opened = await open(world);
  const { ask } = opened;
  assert.equal(await ask("10.0.1.2", "www.example"), "NOERROR 192.0.2.7");
  assert.equal(await ask("10.0.1.5", "Good.example"), "NOERROR 192.0.2.7");
  assert.equal(await ask("10.0.1.5", "a.wide.example"), "NOERROR 192.0.2.7");
  assert.deepEqual(opened.let, ["held good.example 192.0.2.7", "held a.wide.example 192.0.2.7"]);
  for (const name of ["wide.example", "secret.evil.example", "xgood.example"]) {
    assert.equal(await ask("10.0.1.5", name), "REFUSED", name);
  }
  assert.equal(await ask("10.0.1.5", "db"), "NOERROR 10.0.1.2");
  assert.equal(await ask("10.0.3.2", "www.example"), "REFUSED", "its network is internal");
  assert.equal(await ask("10.0.1.1", "www.example"), "REFUSED", "nobody that is known");
  assert.equal(await ask("192.0.2.9", "db"), undefined, "somebody from elsewhere");
  assert.equal(await ask("10.0.1.2", "www.example", DNS_TYPES.ANY), "REFUSED");
  assert.deepEqual(world.asked, ["www.example", "Good.example", "a.wide.example"]);
});

test("an answer with another id, to another question or of no sense is not believed", async () => {
  await using world = new World();
  const { ask } = await open(world);
  world.lies = [
    (answer: Buffer): Buffer => Buffer.concat([Buffer.of((answer[0] ?? 0) ^ 1), answer.subarray(1)]),
    (answer: Buffer): Buffer => Buffer.from(answer.toString("latin1").replace("www", "xyz"), "latin1"),
    (answer: Buffer): Buffer => answer.subarray(0, 20),
  ].map((lie) => (answer) => {
    const bytes = Buffer.from(lie(answer));
    // Another address than the true one.
    if (bytes.length > 20) bytes[bytes.length - 1] = 66;
    return bytes;
  });
  assert.equal(await ask("10.0.1.2", "www.example"), "NOERROR 192.0.2.7");
});
