import { join } from "node:path";
import type { MakeSnapshotter } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";
import { ProxySnapshotter } from "./proxy-snapshotter.ts";
import { serveSnapshotter } from "./serve-snapshotter.ts";

/** One of orlop's own, by way of a socket: each client has a server, on one state. */
export function servedMakerOf(name: string): MakeSnapshotter {
  let clients = 0;
  return async (directory) => {
    await using stack = new AsyncDisposableStack();
    const { snapshotter: served } = stack.use(await makerOf(name)(directory));
    const number = clients++;
    const path = join(directory, `${number}.sock`);
    stack.use(await serveSnapshotter(served, { path, mountDirectory: join(directory, `m${number}`) }));
    const snapshotter = new ProxySnapshotter({ path, name: `proxy of ${name}`, namespace: "tests" });
    stack.defer(() => snapshotter.close());
    const all = stack.move();
    return { snapshotter, [Symbol.asyncDispose]: () => all.disposeAsync() };
  };
}
