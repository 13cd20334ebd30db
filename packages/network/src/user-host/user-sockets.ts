import { Socket as DatagramSocket } from "node:dgram";
import { Server } from "node:net";
import { OrlopError } from "@orlop/core";
import { errnoName, errnoWords, Zygote } from "@orlop/kernel";
import { parseIpAddress } from "@orlop/kernel/netlink";
import type { NameSockets, OpenedSockets, WantedPorts } from "../names/name-sockets.ts";
import { socketAddress } from "../ports/socket-address.ts";
import { type SocketWish, socketProgram } from "./socket-program.ts";
import type { UserHost } from "./user-host.ts";

/** Sockets on the host of an ordinary user's bridges, in which no process of Node is. */
export class UserSockets implements NameSockets {
  readonly #host: UserHost;

  constructor(host: UserHost) {
    this.#host = host;
  }

  async open(address: string, { udp = 0, tcp = 0 }: WantedPorts): Promise<OpenedSockets> {
    const [datagrams, server] = await this.#make([wish("udp", address, udp), wish("tcp", address, tcp)]);
    if (datagrams instanceof DatagramSocket && server instanceof Server) return { datagrams, server };
    throw new OrlopError("internal", `Cannot open sockets on ${address}: Node gives something else`);
  }

  async client(version: 4 | 6): Promise<DatagramSocket> {
    const [socket] = await this.#make([wish("udp", version === 6 ? "::" : "0.0.0.0", 0)]);
    if (socket instanceof DatagramSocket) return socket;
    throw new OrlopError("internal", "Cannot open a socket to ask for names by: Node gives something else");
  }

  identity(): string {
    return this.#host.find()?.identity ?? "";
  }

  async #make(wishes: readonly SocketWish[]): Promise<readonly unknown[]> {
    const host = await this.#host.hold();
    const sockets: unknown[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const zygote = Zygote.start({
      onSocket: (_, socket) => {
        sockets.push(socket);
        if (sockets.length === wishes.length) resolve();
      },
    });
    try {
      zygote.become(socketProgram(host, wishes), ({ kind, value }) => {
        const why = kind === "failed" ? errnoWords(errnoName(value)) : "the process that makes it has ended";
        reject(new OrlopError("failed", `Cannot open a socket on the host of bridges: ${why}`));
      });
      await promise;
      return sockets;
    } catch (error) {
      for (const socket of sockets) if (socket instanceof DatagramSocket || socket instanceof Server) socket.close();
      throw error;
    } finally {
      zygote.close();
    }
  }
}

function wish(kind: "udp" | "tcp", address: string, port: number): SocketWish {
  return {
    kind,
    version: parseIpAddress(address).version,
    address: socketAddress(address, port).bytes,
    fallback: socketAddress(address, 0).bytes,
  };
}
