import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Server } from "node:net";

/** Sockets that names are answered by. */
export interface OpenedSockets {
  readonly datagrams: DatagramSocket;
  /** Listens. */
  readonly server: Server;
}

/** Ports that are taken where they are free, so that whoever asks there already goes on. */
export interface WantedPorts {
  readonly udp?: number;
  readonly tcp?: number;
}

/** Makes sockets where the host of bridges is. */
export interface NameSockets {
  /** On an address of the host. @throws the error of bind(2) or listen(2), OrlopError */
  open(address: string, ports: WantedPorts): Promise<OpenedSockets>;
  /** To ask the host itself by. */
  client(version: 4 | 6): Promise<DatagramSocket>;
  /** Another one when the host is no longer the one that sockets were opened on. */
  identity(): string;
}

/** Of this process's own network namespace. */
export const OWN_SOCKETS: NameSockets = {
  async open(address, { udp = 0, tcp = 0 }) {
    const datagrams = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const server = createServer();
    try {
      await bind(datagrams, address, udp).catch(() => bind(datagrams, address, 0));
      await listen(server, address, tcp).catch(() => listen(server, address, 0));
      return { datagrams, server };
    } catch (error) {
      datagrams.close();
      server.close();
      throw error;
    }
  },
  client: async (version) => createSocket(version === 6 ? "udp6" : "udp4"),
  identity: () => "",
};

async function bind(datagrams: DatagramSocket, address: string, port: number): Promise<void> {
  datagrams.bind({ address, port });
  await once(datagrams, "listening");
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  await once(server, "listening");
}
