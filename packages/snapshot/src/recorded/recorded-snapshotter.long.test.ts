import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { LABEL_SNAPSHOT_REF, OrlopError, type SnapshotInfo, type Snapshotter } from "@orlop/core";
import { collectGarbage, Database, openStore } from "@orlop/image";
import { temporaryDirectory } from "@orlop/testkit";
import { ProxySnapshotter } from "../proxy/proxy-snapshotter.ts";
import { serveSnapshotter } from "../proxy/serve-snapshotter.ts";
import { makerOf } from "../snapshotter-fixture.ts";
import { ProxyNamespaces } from "./proxy-namespaces.ts";
import { RecordedSnapshotter } from "./recorded-snapshotter.ts";

interface Bench {
  readonly snapshotter: RecordedSnapshotter;
  /** What the other one has, by the keys that it knows. */
  readonly remote: Snapshotter;
  readonly database: Database;
  keys(): Promise<readonly string[]>;
}

/** What the other one does differently. */
type Changed = (remote: Snapshotter) => Partial<Snapshotter>;

async function recorded(work: (bench: Bench) => Promise<void>, changed: Changed = () => ({})): Promise<void> {
  using directory = temporaryDirectory();
  await using stack = new AsyncDisposableStack();
  const [path, server] = [join(directory.path, "sock"), join(directory.path, "server")];
  mkdirSync(server);
  const { snapshotter: remote } = stack.use(await makerOf("overlay")(server));
  const served = new Proxy(remote, {
    get: (target, name) => {
      const own = Reflect.get(changed(target), name) ?? Reflect.get(target, name);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
  stack.use(await serveSnapshotter(served, { path, mountDirectory: join(directory.path, "mounts") }));
  const database = stack.use(new Database(join(directory.path, "metadata.db")));
  const snapshotter = new RecordedSnapshotter({
    database,
    remote: new ProxySnapshotter({ path, name: "other", namespace: "x" }),
    namespace: "ours",
    lock: async () => ({ [Symbol.asyncDispose]: async () => {} }),
  });
  stack.defer(() => snapshotter.close());
  const keys = async (): Promise<readonly string[]> => {
    return (await Array.fromAsync(remote.walk())).map(({ key }) => key.replace(/\d+/, "N")).sort();
  };
  await work({ snapshotter, remote, database, keys });
}

describe("a snapshotter with rows before it", () => {
  test("has keys of its own, and rows that say what there is", () =>
    recorded(async ({ snapshotter, keys }) => {
      const labels = { mine: "1", "containerd.io/snapshot/x": "2" };
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("layer", "a", { labels });
      await snapshotter.view("look", "layer");
      await snapshotter.prepare("write", "layer");
      assert.deepEqual(await keys(), ["ours/N/layer", "ours/N/look", "ours/N/write"]);
      assert.deepEqual((await snapshotter.stat("layer")).labels, labels);
      assert.equal((await snapshotter.stat("write")).parent, "layer");
      assert.deepEqual(
        snapshotter.records().map(({ key }) => key),
        ["layer", "look", "write"],
      );
    }));

  test("lets the other one know of the labels that are for it, and of no others", () =>
    recorded(async ({ snapshotter, remote }) => {
      await snapshotter.prepare("a", undefined, { labels: { mine: "1", "containerd.io/snapshot/x": "2" } });
      const [info] = await Array.fromAsync(remote.walk());
      assert.deepEqual(info?.labels, { "containerd.io/snapshot/x": "2" });
    }));

  test("removes what no row knows, those above others first, and nothing of anybody else's", () =>
    recorded(async ({ snapshotter, remote, keys }) => {
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("layer", "a");
      await snapshotter.prepare("write", "layer");
      // As killed processes leave it.
      await remote.prepare("ours/900/a", undefined);
      await remote.commit("ours/900/b", "ours/900/a");
      await remote.prepare("ours/901/c", "ours/900/b");
      await remote.commit("ours/901/d", "ours/901/c");
      await remote.view("ours/902/e", "ours/901/d");
      await remote.prepare("theirs/1/a", undefined);
      await snapshotter.cleanup();
      assert.deepEqual(await keys(), ["ours/N/layer", "ours/N/write", "theirs/N/a"]);
    }));

  test("keeps what is about to be committed from those who clean up", () =>
    recorded(async ({ snapshotter, remote, keys }) => {
      await snapshotter.prepare("a", undefined);
      const [info] = await Array.fromAsync(remote.walk());
      // The other one has done it, and the row does not say so yet.
      await remote.commit(info?.key.replace(/a$/, "layer") ?? "", info?.key ?? "");
      await snapshotter.cleanup();
      assert.deepEqual(await keys(), ["ours/N/layer"]);
      await snapshotter.remove("a");
      await snapshotter.cleanup();
      assert.deepEqual(await keys(), []);
    }));

  test("has no row of what could not be made", () =>
    recorded(
      async ({ snapshotter }) => {
        await assert.rejects(snapshotter.prepare("a", undefined), { code: "exhausted", message: "full" });
        assert.deepEqual(snapshotter.records(), []);
      },
      () => ({
        prepare: async () => {
          throw new OrlopError("exhausted", "full");
        },
      }),
    ));

  test("tells of the same namespace again, and has another one with another database", () => {
    using directory = temporaryDirectory();
    const paths = ["a.db", "b.db"].map((name) => join(directory.path, name));
    const [first, again, other] = [paths[0], paths[0], paths[1]].map((path) => {
      using database = new Database(path ?? "");
      const namespaces = new ProxyNamespaces(database);
      const namespace = namespaces.namespaceOf("x");
      assert.deepEqual(namespaces.names(), ["x"]);
      return namespace;
    });
    assert.match(first ?? "", /^orlop-[0-9a-f]{16}$/);
    assert.equal(first, again);
    assert.notEqual(first, other);
  });
});

describe("a snapshotter that fetches", () => {
  const ref = { [LABEL_SNAPSHOT_REF]: "chain", "containerd.io/snapshot/cri.image-ref": "r" };

  /** As stargz does it: the layer is there at once, under the name that was asked for. */
  const fetching: Changed = (remote) => ({
    prepare: async (key, parent, options = {}) => {
      const mounts = await remote.prepare(key, parent, options);
      const target = options.labels?.[LABEL_SNAPSHOT_REF];
      if (target === undefined) return mounts;
      await remote.commit(target, key, options);
      throw new OrlopError("exists", `"${target}" is there`);
    },
  });

  test("has the layer under its own name, which rows know, and others lie on", () =>
    recorded(async ({ snapshotter, keys }) => {
      await assert.rejects(snapshotter.prepare("a", undefined, { labels: ref }), { code: "exists" });
      assert.deepEqual(await snapshotter.stat("chain").then(({ kind, key }) => [kind, key]), ["committed", "chain"]);
      assert.equal((await snapshotter.stat("chain")).labels[LABEL_SNAPSHOT_REF], "chain");
      await assert.rejects(snapshotter.stat("a"), { code: "not-found" });
      const above = { ...ref, [LABEL_SNAPSHOT_REF]: "above" };
      await assert.rejects(snapshotter.prepare("b", "chain", { labels: above }), { code: "exists" });
      await snapshotter.prepare("write", "above");
      await snapshotter.cleanup();
      assert.deepEqual(await keys(), ["above", "chain", "ours/N/write"]);
      await assert.rejects(snapshotter.prepare("c", undefined, { labels: ref }), { code: "exists", message: /chain/ });
      for (const key of ["write", "above", "chain"]) await snapshotter.remove(key);
      assert.deepEqual(await keys(), []);
    }, fetching));

  test("gives back what was fetched and has no row", () =>
    recorded(async ({ snapshotter, database, keys }) => {
      await assert.rejects(snapshotter.prepare("a", undefined, { labels: ref }), { code: "exists" });
      database.transaction(() => snapshotter.forget("chain"));
      assert.deepEqual(await keys(), ["chain"]);
      await snapshotter.cleanup();
      assert.deepEqual(await keys(), []);
    }, fetching));

  test("is not believed where it lists no such layer on this parent", () =>
    recorded(
      async ({ snapshotter }) => {
        await assert.rejects(snapshotter.prepare("a", undefined, { labels: ref }), { code: "exists" });
        assert.deepEqual(snapshotter.records(), []);
      },
      () => ({
        prepare: async () => {
          throw new OrlopError("exists", "it is there");
        },
        async *walk() {
          const info = { labels: ref, createdAtMs: 0, updatedAtMs: 0 } as const;
          yield { ...info, key: "chain", kind: "committed", parent: "else" } satisfies SnapshotInfo;
          yield { ...info, key: "chain2", kind: "active" } satisfies SnapshotInfo;
        },
      }),
    ));

  test("may have no layer to give: the snapshot is an empty one then", () =>
    recorded(async ({ snapshotter }) => {
      await snapshotter.prepare("a", undefined, { labels: ref });
      assert.equal((await snapshotter.stat("a")).kind, "active");
    }));
});

test("garbage collection takes rows at once, and from the other one what has none", async () => {
  using directory = temporaryDirectory();
  using store = openStore(join(directory.path, "store"));
  const [path, server] = [join(directory.path, "sock"), join(directory.path, "server")];
  mkdirSync(server);
  await using subject = await makerOf("overlay")(server);
  const remote = subject.snapshotter;
  await using _server = await serveSnapshotter(remote, { path, mountDirectory: join(directory.path, "mounts") });
  const snapshotter = new RecordedSnapshotter({
    database: store.database,
    remote: new ProxySnapshotter({ path, name: "other", namespace: "x" }),
    namespace: "ours",
    lock: async () => ({ [Symbol.asyncDispose]: async () => {} }),
  });
  const [mount] = await snapshotter.prepare("a", undefined);
  writeFileSync(join(mount?.source ?? "", "file"), "content");
  await snapshotter.commit("layer", "a");
  await snapshotter.prepare("write", "layer");
  const { removed } = await collectGarbage({ store, snapshots: [snapshotter] });
  assert.deepEqual(
    removed.map(({ name }) => name),
    ["write", "layer"],
  );
  assert.ok((removed[1]?.diskBytes ?? 0) > 0);
  assert.deepEqual([await Array.fromAsync(remote.walk()), snapshotter.records()], [[], []]);
  await snapshotter.close();
});
