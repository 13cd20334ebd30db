import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError, type SnapshotInfo, type Snapshotter } from "@orlop/core";
import { GrpcClient, GrpcServer, grpcService } from "@orlop/kernel/grpc";
import { temporaryDirectory } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";
import { ProxySnapshotter } from "./proxy-snapshotter.ts";
import { serveSnapshotter } from "./serve-snapshotter.ts";
import { SNAPSHOTS_API, type SnapshotsHandlers } from "./snapshots-api.ts";

interface Bench {
  readonly proxy: ProxySnapshotter;
  readonly client: GrpcClient;
  readonly served: Snapshotter;
  readonly path: string;
}

/** A snapshotter of orlop's behind a socket, with two ways to it. */
async function behindSocket(work: (bench: Bench) => Promise<void>): Promise<void> {
  using directory = temporaryDirectory();
  const path = join(directory.path, "sock");
  await using subject = await makerOf("overlay")(directory.path);
  const { snapshotter: served } = subject;
  await using _server = await serveSnapshotter(served, { path, mountDirectory: join(directory.path, "mounts") });
  using client = new GrpcClient(path);
  await using proxy = opened(path);
  await work({ proxy: proxy.snapshotter, client, served, path });
}

function opened(path: string): AsyncDisposable & { readonly snapshotter: ProxySnapshotter } {
  const snapshotter = new ProxySnapshotter({ path, name: "other", namespace: "tests", snapshotsMax: 1000 });
  return { snapshotter, [Symbol.asyncDispose]: () => snapshotter.close() };
}

/** Somebody else's snapshotter, that answers so. */
async function against(
  handlers: Partial<SnapshotsHandlers>,
  work: (proxy: ProxySnapshotter) => Promise<void>,
): Promise<void> {
  using directory = temporaryDirectory();
  const path = join(directory.path, "sock");
  const service = grpcService(SNAPSHOTS_API, handlers as SnapshotsHandlers);
  await using _server = await GrpcServer.listen([service], path);
  await using proxy = opened(path);
  await work(proxy.snapshotter);
}

describe("a snapshotter behind a socket", () => {
  test("knows keys, labels and what is above what as the one that is served does", () =>
    behindSocket(async ({ proxy, served }) => {
      const labels = {
        "containerd.io/snapshot/cri.layer-digest": "sha256:x",
        "containerd.io/snapshot.ref": "sha256:y",
      };
      await proxy.prepare("default/1/a b ü", undefined, { labels });
      await proxy.commit("default/2/l", "default/1/a b ü", { labels });
      await proxy.view("default/3/v", "default/2/l", { labels });
      for (const key of ["default/2/l", "default/3/v"]) assert.deepEqual(await proxy.stat(key), await served.stat(key));
      assert.deepEqual((await proxy.stat("default/3/v")).labels, labels);
      assert.equal((await proxy.stat("default/3/v")).parent, "default/2/l");
    }));

  test("changes labels one by one, all of them, and no other field", () =>
    behindSocket(async ({ proxy, client, served }) => {
      await served.prepare("a", undefined, { labels: { one: "1", two: "2" } });
      const update = async (labels: Record<string, string>, paths?: readonly string[]): Promise<unknown> => {
        const updateMask = paths === undefined ? undefined : { paths };
        await client.call(SNAPSHOTS_API, "Update", { info: { name: "a", labels }, updateMask });
        return (await served.stat("a")).labels;
      };
      assert.deepEqual(await update({ one: "x", two: "y", three: "3" }, ["labels.one", "labels.three"]), {
        one: "x",
        two: "2",
        three: "3",
      });
      assert.deepEqual(await update({}, ["labels.three", "labels.none"]), { one: "x", two: "2" });
      assert.deepEqual(await update({ new: "n" }, ["labels"]), { new: "n" });
      assert.deepEqual(await update({ all: "a" }), { all: "a" });
      await assert.rejects(update({}, ["parent"]), { code: "invalid", message: /only labels/ });
      assert.deepEqual((await proxy.update("a", {})).labels, { all: "a" });
      await assert.rejects(proxy.update("none", {}), { code: "not-found" });
    }));

  test("lists more than fit into one message", async () => {
    const found = Array.from({ length: 250 }, (_, index): SnapshotInfo => {
      return { kind: "view", key: `k${index}`, labels: {}, createdAtMs: index, updatedAtMs: 1e12 + index };
    });
    const fake: Pick<Snapshotter, "walk"> = {
      async *walk() {
        yield* found;
      },
    };
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    await using _server = await serveSnapshotter(fake as Snapshotter, {
      path,
      mountDirectory: join(directory.path, "m"),
    });
    await using proxy = opened(path);
    assert.deepEqual(await Array.fromAsync(proxy.snapshotter.walk()), found);
  });

  test("says which code and words the other one has for what goes wrong", () =>
    behindSocket(async ({ proxy, served }) => {
      const theirs = await served.stat("none").catch((error) => error);
      await assert.rejects(proxy.stat("none"), { name: "OrlopError", code: "not-found", message: theirs.message });
      await assert.rejects(proxy.prepare("a", "none"), { code: "not-found" });
      await assert.rejects(proxy.prepare("a", undefined, { sizeMaxBytes: 1 }), { code: "unsupported" });
    }));

  test("takes a parent at the commit, where the client says that it knows of that", () =>
    behindSocket(async ({ client, served }) => {
      await served.prepare("a", undefined);
      await served.commit("lower", "a");
      await served.prepare("b", undefined);
      await client.call(SNAPSHOTS_API, "Commit", { key: "b", name: "upper", parent: "lower" });
      assert.equal((await served.stat("upper")).parent, "lower");
    }));

  test("fails by name while nobody listens, and works again with the next one who does", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    await using proxy = opened(path);
    const { snapshotter } = proxy;
    await assert.rejects(snapshotter.stat("a"), {
      code: "failed",
      message: /Cannot call "Stat" of ".*sock": .*ENOENT/,
    });
    await using subject = await makerOf("overlay")(directory.path);
    const options = { path, mountDirectory: join(directory.path, "mounts") };
    for (const key of ["a", "b"]) {
      await using _server = await serveSnapshotter(subject.snapshotter, options);
      await snapshotter.prepare(key, undefined);
      assert.equal((await snapshotter.stat(key)).kind, "active");
    }
    await assert.rejects(snapshotter.stat("a"), { code: "failed" });
  });

  test("fails when the connection is cut while it waits", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "sock");
    const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.destroy()));
    server.listen(path);
    await once(server, "listening");
    await using proxy = opened(path);
    for (const _ of ["first", "again"]) await assert.rejects(proxy.snapshotter.mounts("a"), { code: "failed" });
    server.close();
  });
});

describe("somebody else's snapshotter", () => {
  const info = { name: "a", kind: 2 };
  const cases: readonly (readonly [
    what: string,
    handlers: Partial<SnapshotsHandlers>,
    call: (proxy: ProxySnapshotter) => Promise<unknown>,
    message: RegExp,
  ])[] = [
    ["nothing", { Stat: async () => ({}) }, (proxy) => proxy.stat("a"), /no name, or a kind/],
    ["no name", { Stat: async () => ({ info: { kind: 1 } }) }, (proxy) => proxy.stat("a"), /no name, or a kind/],
    [
      "another kind",
      { Stat: async () => ({ info: { ...info, kind: 9 } }) },
      (proxy) => proxy.stat("a"),
      /a kind that is unknown/,
    ],
    ["no mounts", { Mounts: async () => ({}) }, (proxy) => proxy.mounts("a"), /it has no mounts/],
    [
      "mounts without end",
      { View: async () => ({ mounts: Array.from({ length: 5000 }, () => ({ type: "bind" })) }) },
      (proxy) => proxy.view("a", undefined),
      /more mounts than MOUNTS_MAX \(4096\)/,
    ],
    [
      "a list without end",
      { List: endless },
      async (proxy) => {
        for await (const _ of proxy.walk());
      },
      /more than 1000, its limit snapshotsMax/,
    ],
    [
      "a message that is too large",
      { Stat: async () => ({ info: { ...info, parent: "x".repeat(17 << 20) } }) },
      (proxy) => proxy.stat("a"),
      /larger than MESSAGE_MAX_BYTES/,
    ],
  ];
  async function* endless(): AsyncGenerator<{ readonly info: readonly (typeof info)[] }> {
    const part = { info: Array.from({ length: 300 }, () => info) };
    for (;;) yield part;
  }
  for (const [what, handlers, call, message] of cases) {
    test(`is refused with ${what}`, () =>
      against(handlers, async (proxy) => {
        await assert.rejects(call(proxy), { name: "OrlopError", message });
      }));
  }

  test("need not know of cleaning up, and is told of the namespace and its own name", async () => {
    const seen: unknown[] = [];
    const handlers: Partial<SnapshotsHandlers> = {
      Usage: async ({ snapshotter }, { metadata }) => {
        seen.push([snapshotter, metadata["containerd-namespace"]]);
        return { size: 5n, inodes: 6n };
      },
    };
    await against(handlers, async (proxy) => {
      assert.deepEqual(await proxy.usage("a"), { sizeBytes: 5, inodes: 6 });
    });
    assert.deepEqual(seen, [["other", "tests"]]);
    const refuse = (code: "unsupported" | "denied") => async () => {
      throw new OrlopError(code, "no");
    };
    await against({ Cleanup: refuse("unsupported") }, (proxy) => proxy.cleanup());
    await against({ Cleanup: refuse("denied") }, (proxy) => assert.rejects(proxy.cleanup(), { code: "denied" }));
  });

  test("gets no layer where its mounts are of a kind that a layer is not written to", async () => {
    const mounts = (type: string, ...options: readonly string[]) => ({
      Stat: async () => ({ info }),
      Mounts: async () => ({ mounts: [{ type, source: "/nowhere", options }] }),
    });
    const none = (async function* () {})();
    await against(mounts("nfs"), async (proxy) => {
      await assert.rejects(proxy.apply("a", none), { code: "unsupported", message: /"\/nowhere" \(nfs\)/ });
    });
    await against(mounts("ext4"), async (proxy) => {
      await assert.rejects(proxy.apply("a", none), { code: "unsupported", message: /it is a disk/ });
    });
    await against(mounts("overlay", "lowerdir=/a:/b"), async (proxy) => {
      await assert.rejects(proxy.apply("a", none), { code: "conflict", message: /it can only be read/ });
    });
  });
});
