import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { OrlopError } from "@orlop/core";
import {
  type DnsQuery,
  type DnsResponse,
  decodeResponse,
  encodeQuery,
  isSameQuestion,
  UDP_MAX_BYTES,
} from "./dns-message.ts";
import { frame, StreamMessages } from "./stream-messages.ts";

/** So long one server is waited for; resolv.conf(5) has five seconds, and clients ask again by then. */
const SERVER_MAX_MS = 2000;
/** resolv.conf(5), MAXNS. */
const SERVERS_MAX = 3;
const DNS_PORT = 53;
const ID_END = 0x1_0000;

/** What a server has answered, as it came and as it is understood. */
interface UpstreamAnswer {
  readonly message: Buffer;
  readonly response: DnsResponse;
}

interface UpstreamOptions {
  /** Addresses, those that are asked first in front. */
  readonly servers: () => readonly string[];
  /** Absent: 53. */
  readonly port?: number;
  /** Absent: {@link SERVER_MAX_MS}. */
  readonly timeoutMs?: number;
}

/**
 * Asks the host's own servers. Each question goes out with an id and from a port that nobody can guess (RFC 5452), and an
 * answer counts only if it comes from the server that was asked and has the question in it.
 */
export class Upstream {
  readonly #options: UpstreamOptions;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** @throws OrlopError `failed` where no server gives an answer */
  async ask(query: DnsQuery, transport: "udp" | "tcp"): Promise<UpstreamAnswer> {
    const { servers, port = DNS_PORT, timeoutMs = SERVER_MAX_MS } = this.#options;
    for (const server of servers().slice(0, SERVERS_MAX)) {
      const id = randomInt(ID_END);
      const extension = query.extension && { ...query.extension, udpBytes: UDP_MAX_BYTES };
      const asked = encodeQuery({ id, question: query.question, ...(extension === undefined ? {} : { extension }) });
      const accept = (message: Buffer): UpstreamAnswer | undefined => readAnswer(message, id, query);
      const answer = await (transport === "udp" ? overUdp : overTcp)({ server, port, timeoutMs, asked, accept });
      if (answer !== undefined) return answer;
    }
    throw new OrlopError("failed", "Cannot ask a server for names: none of the host's gives an answer");
  }
}

function readAnswer(message: Buffer, id: number, { question }: DnsQuery): UpstreamAnswer | undefined {
  try {
    const response = decodeResponse(message);
    return response.id === id && isSameQuestion(response.question, question) ? { message, response } : undefined;
  } catch {
    return undefined;
  }
}

interface Exchange {
  readonly server: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly asked: Buffer;
  /** Undefined for what is no answer to it. */
  readonly accept: (message: Buffer) => UpstreamAnswer | undefined;
}

/** Undefined where no answer comes. */
function overUdp({ server, port, timeoutMs, asked, accept }: Exchange): Promise<UpstreamAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<UpstreamAnswer | undefined>();
  const socket = createSocket(isIPv6(server) ? "udp6" : "udp4");
  const timer = setTimeout(resolve, timeoutMs, undefined);
  socket.on("error", () => resolve(undefined));
  socket.on("message", (message) => {
    const answer = accept(message);
    if (answer !== undefined) resolve(answer);
  });
  // Connected: the kernel drops what comes from somebody else.
  socket.on("connect", () => socket.send(asked));
  socket.connect(port, server);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

function overTcp({ server, port, timeoutMs, asked, accept }: Exchange): Promise<UpstreamAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<UpstreamAnswer | undefined>();
  const socket = connect(port, server, () => socket.write(frame(asked)));
  const timer = setTimeout(resolve, timeoutMs, undefined);
  const messages = new StreamMessages((message) => resolve(accept(message)));
  socket.on("data", (chunk: Buffer) => messages.push(chunk));
  socket.on("error", () => resolve(undefined));
  socket.on("close", () => resolve(undefined));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
