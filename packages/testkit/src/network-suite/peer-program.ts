/**
 * A program in a network namespace of a test, which listens and asks there as it is told: one request and one answer a line.
 * Whatever comes to a port of its own is answered with its label and where that came from.
 */
import { createSocket } from "node:dgram";
import { createConnection, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { PeerRequest } from "./peer.ts";

const [, , label = ""] = process.argv;
const connections = new Map<number, Socket>();

async function listen({ protocol, address, port }: PeerRequest): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  if (protocol === "udp") {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.on("message", (_, from) => socket.send(`${label} ${plain(from.address)}`, from.port, from.address));
    socket.once("error", reject).bind(port, address, () => resolve("listening"));
  } else {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.write(`${label} ${plain(socket.remoteAddress ?? "")}`));
    });
    server.once("error", reject).listen(port, address, () => resolve("listening"));
  }
  return await promise;
}

/** What is answered; empty where nothing is, in that time. */
async function ask(request: PeerRequest): Promise<string> {
  const { protocol, address, port, timeoutMs = 0 } = request;
  if (protocol === "tcp") {
    const connection = await open(request);
    const answer = await say(connection, timeoutMs);
    connection?.destroy();
    return answer;
  }
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.once("message", (text) => resolve(text.toString()));
  socket.on("error", () => resolve(""));
  socket.connect(port, address, (error?: Error) => (error === undefined ? socket.send("?") : resolve("")));
  const timer = setTimeout(resolve, timeoutMs, "");
  const answer = await promise;
  clearTimeout(timer);
  socket.close();
  return answer;
}

async function open({ address, port, timeoutMs = 0 }: PeerRequest): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const socket = createConnection({ host: address, port });
  socket.once("connect", () => resolve(socket));
  socket.on("error", () => resolve(undefined));
  const timer = setTimeout(resolve, timeoutMs, undefined);
  const connected = await promise;
  clearTimeout(timer);
  if (connected === undefined) socket.destroy();
  return connected;
}

async function say(socket: Socket | undefined, timeoutMs: number): Promise<string> {
  if (socket === undefined) return "";
  const { promise, resolve } = Promise.withResolvers<string>();
  const onData = (text: Buffer): void => resolve(text.toString());
  socket.once("data", onData);
  socket.once("close", () => resolve(""));
  socket.write("?");
  const timer = setTimeout(resolve, timeoutMs, "");
  const answer = await promise;
  clearTimeout(timer);
  socket.off("data", onData);
  return answer;
}

/** IPv4 as it is, where a socket of IPv6 took it. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, "");
}

async function carryOut(request: PeerRequest): Promise<string> {
  switch (request.action) {
    case "listen":
      return await listen(request);
    case "ask":
      return await ask(request);
    case "open": {
      const connection = await open(request);
      if (connection !== undefined) connections.set(request.port, connection);
      return connection === undefined ? "" : "open";
    }
    case "say":
      return await say(connections.get(request.port), request.timeoutMs ?? 0);
  }
}

console.log(JSON.stringify({ answer: "ready" }));
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await carryOut(JSON.parse(line) as PeerRequest).then(
    (text) => ({ answer: text }),
    (error: Error) => ({ error: error.message }),
  );
  console.log(JSON.stringify(answer));
}
process.exit(0);
