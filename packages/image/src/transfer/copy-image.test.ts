import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Descriptor, type DownloadOptions, type ImageSink, OrlopError } from "@orlop/core";
import { copyImage } from "./copy-image.ts";
import { FakeSource, PLATFORM } from "./source-fixture.ts";

/** Takes what it is given, and refuses what names something that it does not have. */
class FakeSink implements ImageSink {
  readonly name = "a test";
  readonly held: Map<string, Buffer> = new Map();
  readonly names: [name: string | undefined, digest: string][] = [];
  puts = 0;

  async has({ digest }: Descriptor): Promise<boolean> {
    return this.held.has(digest);
  }

  async putBlob(
    { digest }: Descriptor,
    open: (offset: number) => AsyncIterable<Buffer>,
    { onBytes }: DownloadOptions = {},
  ): Promise<void> {
    this.puts++;
    const chunks = await Array.fromAsync(open(0));
    for (const chunk of chunks) onBytes?.(chunk.length);
    this.held.set(digest, Buffer.concat(chunks));
  }

  async putManifest({ digest }: Descriptor, content: Buffer): Promise<void> {
    const {
      manifests = [],
      layers = [],
      config,
    } = JSON.parse(String(content)) as Record<string, Descriptor[]> & {
      config?: Descriptor;
    };
    for (const named of [...manifests, ...layers, ...(config === undefined ? [] : [config])]) {
      if (!this.held.has(named.digest))
        throw new OrlopError("invalid", `Cannot take manifest: ${named.digest} missing`);
    }
    this.held.set(digest, content);
  }

  async putName(name: string | undefined, { digest }: Descriptor): Promise<void> {
    this.names.push([name, digest]);
  }

  async finish(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

describe("copying an image", () => {
  test("keeps every byte, children before those that name them, names last", async () => {
    const source = new FakeSource();
    const arm = source.image([["arm"], ["shared"]], { platform: { os: "linux", architecture: "arm64" } });
    const target = source.index([arm, source.index([source.image([["own"], ["shared"]])])]);
    const sink = new FakeSink();
    await copyImage(source, sink, { target }, { name: "copy" });
    assert.deepEqual([...sink.held].sort(), [...source.blobs].sort());
    assert.deepEqual(sink.names, [["copy", target.digest]]);
    assert.equal(new Set(source.asked).size, source.asked.length, "a blob came twice");
  });

  test("puts nothing that is there", async () => {
    const source = new FakeSource();
    const sink = new FakeSink();
    const target = source.image([["a"], ["b"]]);
    await copyImage(source, sink, { target });
    const before = sink.puts;
    await copyImage(source, sink, { target }, { name: "again" });
    assert.equal(sink.puts, before);
    assert.deepEqual(sink.names, [
      [undefined, target.digest],
      ["again", target.digest],
    ]);
  });

  test("of one platform copies the manifest, not the index that has others, too", async () => {
    const source = new FakeSource();
    const arm = source.image([["arm"]], { platform: { os: "linux", architecture: "arm64" } });
    const own = source.image([["own"]]);
    const sink = new FakeSink();
    const copied = await copyImage(source, sink, { target: source.index([arm, own]) }, { platform: PLATFORM });
    assert.equal(copied.digest, own.digest);
    assert.equal(sink.held.size, 3);
  });

  test("ends with what went wrong, and names nothing", async () => {
    const source = new FakeSource();
    const target = source.image([["a"], ["b"]]);
    source.breaking.add(source.layers(target)[0]?.digest ?? "");
    const sink = new FakeSink();
    await assert.rejects(copyImage(source, sink, { target }), { message: /the line is cut/ });
    assert.deepEqual(sink.names, []);
  });

  test("refuses indexes that are nested too deep, or that name too much", async () => {
    const source = new FakeSource();
    let target = source.image([["a"]]);
    for (let depth = 0; depth < 6; depth++) target = source.index([target]);
    await assert.rejects(copyImage(source, new FakeSink(), { target }), { code: "exhausted", message: /nested/ });
    const image = source.image([["a"]]);
    const many = source.index(Array.from({ length: 1001 }, (_, index) => source.add({ ...image, index }, "x/y")));
    await assert.rejects(copyImage(source, new FakeSink(), { target: many }), { code: "unsupported" });
  });
});
