/**
 * A program that is run in one network namespace or another. Its arguments: what it is, and
 * - `serve`: the database and the host's server; it answers names, and tells for each line of its input, `NETWORK ENDPOINT`,
 *   when that one is answered
 * - `world`: an address; a server there that knows all names below `example`, each of which has that address
 * - `ask`: the server, a name, the kind of records; it prints those, or the code of the failure
 */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { watch } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { Database } from "@orlop/image";
import { DNS_CODES, DNS_TYPES, decodeQuery, encodeAnswer } from "../names/dns-message.ts";
import { frame, StreamMessages } from "../names/stream-messages.ts";
import { SqliteRecords } from "../records/sqlite-records.ts";
import { BridgeDriver } from "./bridge-driver.ts";

const [, , role = "", ...args] = process.argv;

async function serve(database: string, resolver: string): Promise<void> {
  const records = new SqliteRecords(new Database(database), "bridge");
  const driver = new BridgeDriver({ records, resolvers: () => [resolver] });
  const done = driver.names.serve((onChange) => {
    const watcher = watch(dirname(database), onChange);
    return { [Symbol.dispose]: () => watcher.close() };
  }, new AbortController().signal);
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const [network = "", endpoint = ""] = line.split(" ");
    const isAnswered = await driver.names.isAnswered(network, endpoint, AbortSignal.timeout(30_000));
    process.stdout.write(`${isAnswered}\n`);
  });
  await done;
  process.stdout.write("ended\n");
  process.exit(0);
}

/** Half of its names have more addresses than a datagram has room for. */
function reply(message: Buffer, address: string, maxBytes: number): Buffer {
  const query = decodeQuery(message);
  if (query === undefined || !("question" in query)) return Buffer.alloc(0);
  const { name, type } = query.question;
  const isKnown = name.at(-1)?.toLowerCase() === "example" && type === DNS_TYPES.A;
  const count = name[0] === "many" ? 100 : 1;
  const answers = Array.from({ length: isKnown ? count : 0 }, (_, index) => {
    const data = Buffer.from(address.split(".").map(Number));
    if (index > 0) data[3] = index + 100;
    return { name, type, ttlSeconds: 60, data };
  });
  return encodeAnswer(query, { code: isKnown ? DNS_CODES.NOERROR : DNS_CODES.NXDOMAIN, answers }, maxBytes);
}

function world(address: string): void {
  const socket = createSocket("udp4", (message, { port, address: client }) => {
    socket.send(reply(message, address, 512), port, client);
  });
  const server = createServer((connection) => {
    const messages = new StreamMessages((message) => connection.write(frame(reply(message, address, 65_535))));
    connection.on("data", (chunk: Buffer) => messages.push(chunk));
    connection.on("error", () => {});
  });
  socket.bind(53, address, () => server.listen(53, address, () => process.stdout.write("ready\n")));
}

async function ask(server: string, name: string, kind: string): Promise<void> {
  const resolver = new Resolver({ timeout: 5000, tries: 1 });
  resolver.setServers([server]);
  try {
    const found = await (kind === "PTR" ? resolver.reverse(name) : resolver.resolve(name, kind));
    process.stdout.write(`${[found].flat().join(" ")}\n`);
  } catch (error) {
    process.stdout.write(`${(error as { code?: string }).code}\n`);
  }
}

switch (role) {
  case "serve":
    await serve(args[0] ?? "", args[1] ?? "");
    break;
  case "world":
    world(args[0] ?? "");
    break;
  default:
    await ask(args[0] ?? "", args[1] ?? "", args[2] ?? "");
}
