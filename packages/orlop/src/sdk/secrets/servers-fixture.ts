import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createSecureContext, getCACertificates, setDefaultCACertificates } from "node:tls";
import { CertificateAuthority } from "@orlop/network/secrets";

interface SeenRequest {
  readonly host: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

interface ServerPlace {
  /** Absent: the loopback. */
  readonly address?: string;
  /** That certificates are shown for. */
  readonly names: readonly string[];
}

/**
 * A server of HTTPS and one of HTTP, which this process trusts while they are there. They tell what they have been asked, in what they
 * answer, too; `/to?URL` leads there.
 */
export class Servers implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly securePort: number;
  readonly plainPort: number;
  readonly #servers: readonly Server[];
  readonly #trustedBefore: readonly string[];

  private constructor(servers: readonly Server[], trustedBefore: readonly string[], seen: SeenRequest[]) {
    this.#servers = servers;
    this.#trustedBefore = trustedBefore;
    this.seen = seen;
    [this.securePort = 0, this.plainPort = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  }

  static async start({ address = "127.0.0.1", names }: ServerPlace): Promise<Servers> {
    const authority = new CertificateAuthority("of the servers");
    const contexts = new Map(names.map((name) => [name, createSecureContext(authority.issue(name))]));
    const seen: SeenRequest[] = [];
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      const { url = "", headers } = request;
      seen.push({ host: headers.host, url, headers });
      const [, target] = /^\/to\?(.*)$/.exec(url) ?? [];
      if (target !== undefined) response.writeHead(302, { location: decodeURIComponent(target) }).end();
      else response.end(JSON.stringify(headers));
    };
    const choose = createSecureServer({ SNICallback: (name, done) => done(null, contexts.get(name)) }, answer);
    const servers = [choose, createServer(answer)];
    for (const server of servers) await once(server.listen(0, address), "listening");
    const before = getCACertificates("default");
    setDefaultCACertificates([...before, authority.certificate]);
    return new Servers(servers, before, seen);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    setDefaultCACertificates(this.#trustedBefore);
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}
