import type { Database } from "@orlop/image";
import { ProxySnapshotter } from "../proxy/proxy-snapshotter.ts";
import { proxyName, proxySocket } from "./proxy-address.ts";
import { ProxyNamespaces } from "./proxy-namespaces.ts";
import { RecordedSnapshotter } from "./recorded-snapshotter.ts";

export interface OpenProxyOptions {
  /** Its snapshots are rows of it. */
  readonly database: Database;
  /** One holder at a time, of all processes that use the database. */
  readonly lock: () => Promise<AsyncDisposable>;
}

/**
 * A snapshotter behind a socket, by its name or by `proxy:unix:///run/x.sock`. It is connected to by the first call.
 *
 * @throws OrlopError `invalid` for another address
 */
export function openProxy(text: string, { database, lock }: OpenProxyOptions): RecordedSnapshotter {
  const name = proxyName(text);
  const namespace = new ProxyNamespaces(database).namespaceOf(name);
  const remote = new ProxySnapshotter({ path: proxySocket(text), name, namespace });
  return new RecordedSnapshotter({ database, remote, namespace, lock });
}
