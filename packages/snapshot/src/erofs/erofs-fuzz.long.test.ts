import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import type { LowerDirectory } from "../layer/lower-layer.ts";
import { archivedEntries } from "./archived-entries-fixture.ts";
import { ErofsLayer } from "./erofs-layer.ts";
import { writeErofs } from "./write-erofs.ts";

const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000);
/** What is looked at of one image, whose directories can lead around in circles. */
const NODES_MAX = 60;

/** The same numbers for the same seed (xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

async function makeImage(path: string, archive: string | undefined): Promise<Buffer> {
  async function* chunks(): AsyncGenerator<Buffer> {
    yield makeTar([
      { path: "a/", type: "5" },
      ...Array.from({ length: 300 }, (_, index) => ({ path: `a/name-${index}`, content: `${index}` })),
      { path: "sparse", content: Buffer.concat([Buffer.alloc(300_000), Buffer.from("x")]) },
      { path: "large", content: Buffer.alloc(9000, "l") },
      { path: "link", type: "2", target: "a/name-1" },
      { path: "attributes", pax: { "SCHILY.xattr.user.a": "b", "SCHILY.xattr.security.capability": "c" } },
    ]);
  }
  await writeErofs(path, archivedEntries(chunks()), { archive });
  return readFileSync(path);
}

/** Changes some bytes, of the superblock and the inodes more often than of content. */
function mutate(image: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(image);
  for (let count = 1 + random(8); count > 0; count--) {
    const [from, length] = random(3) === 0 ? [1024, 128] : [image.length >> 1, image.length >> 1];
    const at = random(2) === 0 ? random(image.length) : from + random(length);
    if (random(2) === 0) bytes[at] = random(256);
    else bytes.writeUInt32LE(random(2) === 0 ? 0xffff_ffff : random(2 ** 32), Math.min(at, image.length - 4));
  }
  return random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

function lookAtAll({ root }: ErofsLayer): void {
  const waiting: LowerDirectory[] = [root];
  let left = NODES_MAX;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const name of next.names()) {
      if (--left < 0) return;
      const node = next.find(name);
      if (node?.kind === "directory") waiting.push(node);
      else if (node?.kind === "leaf") for (const _ of take(node.content(), 4));
    }
  }
}

function* take<T>(all: Iterable<T>, most: number): Generator<T> {
  for (const each of all) {
    if (most-- <= 0) return;
    yield each;
  }
}

function fuzzed(name: string | undefined): () => Promise<void> {
  return () =>
    withTemporaryDirectory(async (directory) => {
      const archive = name === undefined ? undefined : join(directory, name);
      const image = await makeImage(join(directory, "image"), archive);
      const path = join(directory, "mutated");
      let refused = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        writeFileSync(path, mutate(image, randomFrom(seed)));
        try {
          using layer = new ErofsLayer(path, archive);
          lookAtAll(layer);
        } catch (error) {
          assert.ok(error instanceof OrlopError, `seed ${seed}: ${(error as Error).stack}`);
          assert.equal(error.code, "invalid", `seed ${seed}: ${error.message}`);
          refused++;
        }
      }
      assert.ok(refused > RUNS / 10, `only ${refused} were refused`);
    });
}

suite("an EROFS image that somebody has changed", () => {
  test("is read, or refused with an error that says so", fuzzed(undefined));

  test("is read as the index of an archive, or refused with an error that says so", fuzzed("archive.tar"));
});
