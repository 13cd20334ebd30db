import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Descriptor } from "@orlop/core";
import { FakeDepot, FakeSnapshotter } from "./depot-fixture.ts";
import { type PullOptions, pullImage } from "./pull-image.ts";
import { FakeSource, PLATFORM } from "./source-fixture.ts";
import { readStoredImage } from "./stored-image.ts";

const LAYERS = [["a", "b"], ["c"], ["d"], ["e"]];

class Scene {
  readonly source: FakeSource;
  readonly depot = new FakeDepot();
  readonly snapshotter: FakeSnapshotter;

  constructor(
    options: ConstructorParameters<typeof FakeSnapshotter>[0] = { rebases: true },
    source: FakeSource = new FakeSource(),
  ) {
    this.source = source;
    this.snapshotter = new FakeSnapshotter(options);
  }

  pull(target: Descriptor, options: PullOptions = {}): Promise<unknown> {
    const { source, depot, snapshotter } = this;
    return pullImage(source, depot, { name: "x", target }, { platform: PLATFORM, snapshotter, ...options });
  }

  async rootPaths(target: Descriptor): Promise<readonly string[]> {
    return this.snapshotter.paths((await readStoredImage(this.depot.content, target, PLATFORM)).chainId);
  }

  /** Nothing but committed snapshots, and no lease. */
  assertTidy(): void {
    assert.deepEqual(
      [...this.snapshotter.snapshots].filter(([, { kind }]) => kind !== "committed"),
      [],
    );
    assert.equal(this.depot.leases.held.size, 0);
  }
}

describe("pulling an image", () => {
  for (const rebases of [true, false]) {
    test(`brings every part, and makes its root file system, ${rebases ? "side by side" : "one by one"}`, async () => {
      const scene = new Scene({ rebases });
      const target = scene.source.image(LAYERS);
      await scene.pull(target);
      assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
      assert.deepEqual(scene.depot.images.records.get("x")?.target.digest, target.digest);
      assert.equal(scene.depot.content.blobs.size, LAYERS.length + 2);
      scene.assertTidy();
    });
  }

  test("asks for nothing that is there, of an image with the same lower layers", async () => {
    const scene = new Scene();
    await scene.pull(scene.source.image(LAYERS.slice(0, 2)));
    scene.source.asked.length = 0;
    const above = scene.source.image(LAYERS);
    await scene.pull(above);
    const shared = scene.source.layers(above).slice(0, 2);
    for (const { digest } of shared) assert.ok(!scene.source.asked.includes(digest));
    assert.equal(scene.snapshotter.applied.length, LAYERS.length);
    assert.deepEqual(await scene.rootPaths(above), LAYERS.flat());
  });

  test("of one image by several at once does the work once", async () => {
    const scene = new Scene();
    const target = scene.source.image(LAYERS);
    await Promise.all([scene.pull(target), scene.pull(target), scene.pull(target)]);
    assert.equal(scene.snapshotter.applied.length, LAYERS.length);
    assert.equal(new Set(scene.source.asked).size, scene.source.asked.length);
    assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
    scene.assertTidy();
  });

  test("applies a layer again, on those below, where it cannot be alone", async () => {
    const scene = new Scene({ rebases: true, needsParent: "d" });
    const target = scene.source.image(LAYERS);
    await scene.pull(target);
    assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
    assert.equal(scene.snapshotter.applied.length, LAYERS.length + 1);
    scene.assertTidy();
  });

  for (const rebases of [true, false]) {
    test(`tells why a layer did not come and leaves no snapshot of it (${rebases})`, async () => {
      const scene = new Scene({ rebases });
      const target = scene.source.image(LAYERS);
      scene.source.breaking.add(scene.source.layers(target)[1]?.digest ?? "");
      await assert.rejects(scene.pull(target), { message: /the line is cut/ });
      assert.equal(scene.depot.images.records.size, 0);
      scene.assertTidy();
      scene.source.breaking.clear();
      await scene.pull(target);
      assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
    });

    test(`refuses a layer that is not what the config says (${rebases})`, async () => {
      const scene = new Scene({ rebases });
      const target = scene.source.image(LAYERS, { diffIds: LAYERS.map(() => `sha256:${"0".repeat(64)}`) });
      await assert.rejects(scene.pull(target), { code: "invalid", message: /unpacked it hashes to/ });
      assert.equal(scene.snapshotter.snapshots.size, 0);
      assert.equal(scene.depot.images.records.size, 0);
      scene.assertTidy();
    });
  }

  test("brings no layers that the snapshotter fetches, and those above them where it stops to", async () => {
    const source = new FakeSource();
    const target = source.image(LAYERS);
    const layers = source.layers(target).map(({ digest }) => digest);
    const fetched = { [layers[0] ?? ""]: ["a", "b"], [layers[1] ?? ""]: ["c"], [layers[3] ?? ""]: ["e"] };
    const scene = new Scene({ rebases: false, fetched }, source);
    const reference = "registry.example/app:1";
    await scene.pull(target, { reference });
    assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
    assert.deepEqual(
      layers.map((digest) => scene.depot.content.blobs.has(digest)),
      [false, false, true, true],
    );
    const prefix = "containerd.io/snapshot";
    assert.deepEqual(scene.snapshotter.asked[1], {
      [`${prefix}.ref`]: [...scene.snapshotter.snapshots.keys()][1],
      [`${prefix}/cri.image-ref`]: reference,
      [`${prefix}/cri.manifest-digest`]: target.digest,
      [`${prefix}/cri.layer-digest`]: layers[1],
      [`${prefix}/cri.image-layers`]: layers.slice(1).join(","),
    });
    // Not on top of the one that it did not have.
    assert.equal(scene.snapshotter.asked.length, 3);
    scene.assertTidy();
    await scene.pull(target, { reference });
    assert.equal(scene.snapshotter.asked.length, 3);
    assert.ok(!scene.depot.content.blobs.has(layers[0] ?? ""));
    // As when an image is made of one that is here.
    source.missing.add(layers[0] ?? "");
    await scene.pull(target);
    source.missing.clear();
    assert.ok(!scene.depot.content.blobs.has(layers[0] ?? ""));
    // From elsewhere the image comes as a whole.
    await scene.pull(target);
    assert.ok(layers.every((digest) => scene.depot.content.blobs.has(digest)));
  });

  test("by several at once has each layer fetched once", async () => {
    const source = new FakeSource();
    const target = source.image(LAYERS);
    const fetched = Object.fromEntries(source.layers(target).map(({ digest }, index) => [digest, LAYERS[index] ?? []]));
    const scene = new Scene({ rebases: true, fetched }, source);
    await Promise.all([1, 2].map(() => scene.pull(target, { reference: "registry.example/app:1" })));
    assert.equal(scene.snapshotter.asked.length, LAYERS.length);
    assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
    scene.assertTidy();
  });

  test("refuses a config with another number of layers", async () => {
    const scene = new Scene();
    const target = scene.source.image(LAYERS, { diffIds: [] });
    await assert.rejects(scene.pull(target), { code: "invalid", message: /4 layers and its config 0/ });
  });

  test("chooses the manifest for the platform, and looks into nested indexes", async () => {
    const scene = new Scene();
    const arm = scene.source.image([["arm"]], { platform: { os: "linux", architecture: "arm64" } });
    const unknown = scene.source.image([["att"]], { platform: { os: "unknown", architecture: "unknown" } });
    const own = scene.source.image([["own"]]);
    const target = scene.source.index([arm, unknown, scene.source.index([own])]);
    await scene.pull(target);
    assert.deepEqual(await scene.rootPaths(target), ["own"]);
    assert.ok(!scene.depot.content.blobs.has(arm.digest));
    const other = scene.source.index([arm, unknown]);
    await assert.rejects(scene.pull(other), { code: "not-found", message: /for linux\/amd64, it has linux\/arm64/ });
  });

  test("of one image for another platform says which image that is", async () => {
    const scene = new Scene();
    const target = scene.source.image([["arm"]], { platform: { os: "linux", architecture: "arm64" } });
    const { platform: _, ...unsaid } = target;
    const message = `Cannot use image "${scene.source.name}": it is for linux/arm64, not for linux/amd64`;
    await assert.rejects(scene.pull(unsaid), { code: "unsupported", message });
  });

  test("of all platforms brings them all", async () => {
    const scene = new Scene();
    const arm = scene.source.image([["arm"]], { platform: { os: "linux", architecture: "arm64" } });
    const target = scene.source.index([arm, scene.source.image([["own"]])]);
    await pullImage(scene.source, scene.depot, { name: "x", target });
    assert.deepEqual([...scene.depot.content.blobs.keys()].sort(), [...scene.source.blobs.keys()].sort());
  });

  test("has every part refer to what it is made of", async () => {
    const scene = new Scene();
    const manifest = scene.source.image(LAYERS);
    const target = scene.source.index([manifest]);
    await scene.pull(target);
    const labelsOf = (digest: string): readonly string[] =>
      Object.values(scene.depot.content.blobs.get(digest)?.labels ?? {});
    assert.deepEqual(labelsOf(target.digest), [manifest.digest]);
    const { config, layers, chainId } = await readStoredImage(scene.depot.content, target, PLATFORM);
    assert.deepEqual(labelsOf(manifest.digest), [config.digest, ...layers.map(({ digest }) => digest)]);
    assert.deepEqual(scene.depot.content.blobs.get(config.digest)?.labels, {
      "containerd.io/gc.ref.snapshot.fake": chainId,
    });
  });

  test("tells each part's way, and ends with its name", async () => {
    const scene = new Scene();
    const target = scene.source.image([["a"]]);
    const states: string[] = [];
    await scene.pull(target, {
      onEvent: (event) => states.push(event.kind === "part" ? `${event.role} ${event.state}` : event.kind),
    });
    const layer = states.filter((state) => state.startsWith("layer"));
    assert.deepEqual(
      [...new Set(layer)],
      ["layer waiting", "layer downloading", "layer verifying", "layer unpacking", "layer done"],
    );
    assert.equal(states[0], "image");
    assert.equal(states.at(-1), "named");
  });

  test("ends when its caller gives up, and goes on from there the next time", async () => {
    const scene = new Scene();
    const target = scene.source.image(LAYERS);
    const controller = new AbortController();
    const pulling = scene.pull(target, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === "part" && event.role === "layer" && event.state === "downloading") controller.abort();
      },
    });
    await assert.rejects(pulling, { code: "cancelled" });
    assert.equal(scene.depot.images.records.size, 0);
    assert.ok(!scene.source.asked.includes(scene.source.layers(target).at(-1)?.digest ?? ""));
    scene.assertTidy();
    await scene.pull(target);
    assert.deepEqual(await scene.rootPaths(target), LAYERS.flat());
  });
});
