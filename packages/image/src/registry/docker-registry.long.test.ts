import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import { DockerRegistry, dockerRegistryObstacle } from "@orlop/testkit";
import { describeBytes, pieces, pushImage, someBytes } from "./fixture-blobs-fixture.ts";
import { MemoryIngest } from "./memory-ingest-fixture.ts";
import { RegistryClient } from "./registry-client.ts";

const obstacle = dockerRegistryObstacle();
const options = { skip: obstacle ?? false };
/** More than one window of two. */
const LIMITS = { rangeBytes: 64 * 1024, uploadChunkBytes: 300_000 };

describe("docker's registry", options, () => {
  let registry: DockerRegistry;
  let client: RegistryClient;

  before(async () => {
    registry = await DockerRegistry.start();
    client = new RegistryClient({ limits: LIMITS });
  });

  after(async () => {
    client?.[Symbol.dispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  const named = (name: string) => parseReference(`${registry.host}/${name}`);

  test("gives back what was pushed, byte for byte", async () => {
    const content = someBytes(1_000_000);
    const pushed = await pushImage(client.sink(named("app:1")), [content, Buffer.alloc(0)]);
    await using source = client.source(named("app:1"));
    const [image] = await source.images();
    assert.deepEqual(image, { name: `${registry.host}/app:1`, target: pushed.target });
    assert.deepEqual(await source.document(pushed.target), pushed.manifest);
    assert.equal((await source.document(pushed.config)).length, pushed.config.size);
    const [layer, empty] = pushed.layers;
    assert.ok(layer !== undefined && empty !== undefined);
    assert.deepEqual(Buffer.concat(await Array.fromAsync(source.blob(layer))), content);
    assert.deepEqual(await Array.fromAsync(source.blob(empty)), []);
    const range = { offset: 999, length: 2_000 };
    assert.deepEqual(Buffer.concat(await Array.fromAsync(source.blob(layer, { range }))), content.subarray(999, 2_999));
  });

  test("brings a blob in ranges, and only what is missing", async () => {
    const content = someBytes(900_000, 2);
    const { layers } = await pushImage(client.sink(named("ranges")), [content]);
    const [layer] = layers;
    assert.ok(layer !== undefined);
    await using source = client.source(named("ranges"));
    const present = [
      { offset: 0, length: 10_000 },
      { offset: 400_000, length: 1 },
    ];
    const ingest = new MemoryIngest(layer, present, content);
    let count = 0;
    await source.download(layer, ingest, { onBytes: (bytes) => (count += bytes) });
    await ingest.commit();
    assert.equal(ingest.repeatedBytes, 0);
    assert.equal(count, content.length - 10_001);
  });

  test("knows what it has, and mounts a blob of another repository", async () => {
    const content = someBytes(5_000, 3);
    const { target, layers } = await pushImage(client.sink(named("first")), [content]);
    const layer = layers[0] ?? target;
    const sink = client.sink(named("second"), { mountFrom: () => ["absent", "first"] });
    assert.equal(await client.sink(named("first")).has(target), true);
    assert.equal(await sink.has(layer), false);
    const mounting = client.sink(named("second"), { mountFrom: () => ["first"] });
    await mounting.putBlob(layer, () => assert.fail("was asked for content"));
    assert.equal(await mounting.has(layer), true);
    // Another repository that does not have it: the upload goes on.
    const other = describeBytes(someBytes(10, 4));
    await sink.putBlob(other, (offset) => pieces(someBytes(10, 4), offset));
    assert.equal(await sink.has(other), true);
  });

  test("names what is not there", async () => {
    await assert.rejects(client.source(named("nothing:here")).images(), (error) => {
      assert.ok(error instanceof OrlopError);
      assert.equal(error.code, "not-found");
      assert.match(
        error.message,
        new RegExp(`^Cannot find image "${registry.host}/nothing:here": ${registry.host} answ`),
      );
      assert.match(error.message, /404: MANIFEST_UNKNOWN: manifest unknown/);
      return true;
    });
  });

  test("refuses content that is not what its descriptor says", async () => {
    const sink = client.sink(named("wrong"));
    const descriptor = describeBytes(someBytes(10, 5));
    await assert.rejects(
      sink.putBlob(descriptor, () => pieces(someBytes(10, 6), 0)),
      /answered 400: DIGEST_INVALID/,
    );
    await assert.rejects(
      sink.putBlob(descriptor, () => pieces(someBytes(9, 6), 0)),
      /its content ends 1 bytes too early/,
    );
  });
});
