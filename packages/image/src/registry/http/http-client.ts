import type { ConnectionSettings, Connections, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { Http1Connections } from "./http1-connections.ts";
import { TlsConnections } from "./tls-connections.ts";

/** Connections with many origins, kept open between requests. */
export class HttpClient implements Disposable {
  readonly #connections = new Map<string, Connections>();
  readonly #settingsKeys = new WeakMap<ConnectionSettings, number>();
  #settingsCount = 0;

  /** One request, as it is. Settings that are the same object share connections. */
  send(request: HttpRequest, settings: ConnectionSettings): Promise<HttpResponse> {
    const key = `${request.url.origin} ${this.#keyOf(settings)}`;
    let connections = this.#connections.get(key);
    if (connections === undefined) {
      const { origin, protocol } = request.url;
      const Kind = protocol === "https:" ? TlsConnections : Http1Connections;
      connections = new Kind(new URL(origin), settings);
      this.#connections.set(key, connections);
    }
    return connections.send(request);
  }

  [Symbol.dispose](): void {
    for (const connections of this.#connections.values()) connections.close();
    this.#connections.clear();
  }

  #keyOf(settings: ConnectionSettings): number {
    let key = this.#settingsKeys.get(settings);
    if (key === undefined) {
      key = this.#settingsCount++;
      this.#settingsKeys.set(settings, key);
    }
    return key;
  }
}
