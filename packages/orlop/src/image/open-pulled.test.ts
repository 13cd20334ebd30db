import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Descriptor, parsePlatform } from "@orlop/core";
import { LayoutWriter, withTemporaryDirectory } from "@orlop/testkit";
import { Depot } from "../store/open-depot.ts";
import type { Image } from "./image.ts";
import { openFromDepot } from "./open-pulled.ts";

const NAME = "example.com/some/image:latest";

/** A depot with an image of one layer, under a name. */
async function withImage(work: (depot: Depot, target: Descriptor) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const files = join(directory, "files");
    mkdirSync(files);
    writeFileSync(join(files, "greeting"), "hello\n");
    const layout = new LayoutWriter(join(directory, "layout"));
    const tar = execFileSync("tar", ["-C", files, "-cf", "-", "."]);
    layout.publish([layout.manifest({ layers: [{ tar }] })]);
    await using depot = new Depot(join(directory, "store"));
    const reference = { kind: "oci-layout", path: join(directory, "layout"), tag: undefined } as const;
    const image = await openFromDepot(depot, reference, { containerId: "first", rootless: false, quiet: true });
    assert.ok(image.root.kind === "snapshot");
    await depot.images.put(NAME, image.root.manifest);
    await image[Symbol.asyncDispose]();
    await work(depot, image.root.manifest);
  });
}

async function open(depot: Depot): Promise<Image> {
  const reference = { kind: "registry", name: NAME, text: NAME } as const;
  return await openFromDepot(depot, reference, { containerId: "c1", rootless: false, pull: "never" });
}

test("an image for one platform alone is refused where another one is asked for, and what suits is not", async () => {
  await withImage(async (depot) => {
    const reference = { kind: "registry", name: NAME, text: NAME } as const;
    const openFor = async (text: string): Promise<Image> => {
      const options = { containerId: "c1", rootless: false, pull: "never", platform: parsePlatform(text) } as const;
      return await openFromDepot(depot, reference, options);
    };
    await assert.rejects(openFor("linux/s390x"), {
      code: "unsupported",
      message: /^Cannot use image: it is for linux\/amd64, not for linux\/s390x\nTry --pull always/,
    });
    assert.deepEqual(await uncommitted(depot), []);
    await using image = await openFor("linux/amd64/v3");
    assert.equal(image.readFile("/greeting", 100)?.toString(), "hello\n");
  });
});

async function uncommitted(depot: Depot): Promise<readonly string[]> {
  const records = (await depot.snapshotters()).flatMap((each) => each.records());
  return records.flatMap(({ kind, key }) => (kind === "committed" ? [] : [key]));
}

test("what a container is made of stays when its image is removed, for as long as it is used", async () => {
  await withImage(async (depot, target) => {
    const image = await open(depot);
    await depot.images.delete(NAME);
    assert.deepEqual((await depot.collectGarbage()).removed, []);
    assert.equal(image.readFile("/greeting", 100)?.toString(), "hello\n");
    assert.deepEqual(await uncommitted(depot), ["container-c1"]);
    assert.deepEqual(await depot.leases.list(), []);
    await image[Symbol.asyncDispose]();
    assert.deepEqual(await uncommitted(depot), []);
    await depot.collectGarbage();
    assert.equal(await depot.content.has(target.digest), false);
  });
});

test("an image that goes while a container is made of it is missed, and nothing of the container is left", async () => {
  await withImage(async (depot, target) => {
    await (await open(depot))[Symbol.asyncDispose]();
    // The depot remembers what it has read of it, and the root file system is there.
    await depot.content.delete(target.digest);
    await assert.rejects(open(depot), { code: "not-found", message: /Cannot find image "example\.com\/some\/image/ });
    assert.deepEqual(await uncommitted(depot), []);
    assert.deepEqual(await depot.leases.list(), []);
  });
});
