import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Snapshotter } from "@orlop/core";
import { Database, FileLock } from "@orlop/image";
import type { MakeSnapshotter } from "@orlop/testkit";
import { ProxySnapshotter } from "../proxy/proxy-snapshotter.ts";
import { serveSnapshotter } from "../proxy/serve-snapshotter.ts";
import { makerOf } from "../snapshotter-fixture.ts";
import { ProxyNamespaces } from "./proxy-namespaces.ts";
import { RecordedSnapshotter } from "./recorded-snapshotter.ts";

interface Recorded extends AsyncDisposable {
  readonly snapshotter: RecordedSnapshotter;
  readonly served: Snapshotter;
}

/** One of orlop's own behind a socket, with rows of another database in front of it. */
async function recordedOf(kind: string, directory: string, number: number): Promise<Recorded> {
  await using stack = new AsyncDisposableStack();
  const [server, client] = [join(directory, "server"), join(directory, "client")];
  for (const each of [server, client]) mkdirSync(each, { recursive: true });
  const { snapshotter: served } = stack.use(await makerOf(kind)(server));
  const path = join(directory, `${number}.sock`);
  stack.use(await serveSnapshotter(served, { path, mountDirectory: join(directory, `m${number}`) }));
  const database = stack.use(new Database(join(client, "metadata.db")));
  const lock = async (): Promise<AsyncDisposable> => {
    const held = await FileLock.take(join(client, "lock"));
    return { [Symbol.asyncDispose]: async () => held.remove() };
  };
  // By whichever socket, it is one snapshotter and has one name.
  const name = "proxied";
  const namespace = new ProxyNamespaces(database).namespaceOf(name);
  const remote = new ProxySnapshotter({ path, name, namespace });
  const snapshotter = new RecordedSnapshotter({ database, remote, namespace, lock });
  stack.defer(() => snapshotter.close());
  const all = stack.move();
  return { snapshotter, served, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export function recordedMakerOf(name: string): MakeSnapshotter {
  let clients = 0;
  return (directory) => recordedOf(name, directory, clients++);
}
