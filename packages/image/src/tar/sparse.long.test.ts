import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { readTar } from "./read-tar.ts";
import { sparseMap, withHoles } from "./sparse.ts";

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Paths with contents. */
async function read(archive: Buffer, pieceBytes = 10_000): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { path, content, size } of readTar(inPieces(archive, pieceBytes))) {
    const parts: Buffer[] = [];
    for await (const chunk of content()) parts.push(chunk);
    files.set(path, Buffer.concat(parts));
    assert.equal(files.get(path)?.length, size);
  }
  return files;
}

/** A file with `count` stretches of data, each behind a hole, and a hole at its end. */
function writeHoles(path: string, count: number): void {
  const file = openSync(path, "w");
  for (let index = 0; index < count; index++) writeSync(file, `stretch ${index}`, index * 20_000 + 8192);
  closeSync(file);
  truncateSync(path, count * 20_000 + 50_000);
}

suite("a sparse file of GNU tar", () => {
  const formats: readonly (readonly string[])[] = [
    ["--format=gnu"],
    ["--format=pax", "--sparse-version=0.0"],
    ["--format=pax", "--sparse-version=0.1"],
    ["--format=pax", "--sparse-version=1.0"],
  ];
  for (const format of formats) {
    test(`has its holes as zeros, stored with ${format.join(" ")}`, () =>
      withTemporaryDirectory(async (directory) => {
        // Regions for the header alone, for one block behind it, and for many.
        const names = [0, 1, 4, 20, 300].map((count) => {
          writeHoles(join(directory, `${count}`), count);
          return `${count}`;
        });
        const words = ["--sparse", ...format, "-C", directory, "-cf", "-", ...names];
        const archive = execFileSync("tar", words, { maxBuffer: 1 << 26 });
        assert.ok(archive.length < 3_000_000);
        for (const pieceBytes of [777, 1 << 20]) {
          const files = await read(archive, pieceBytes);
          assert.deepEqual([...files.keys()], names);
          for (const name of names) assert.ok(files.get(name)?.equals(readFileSync(join(directory, name))), name);
        }
      }));
  }

  test("may be much larger than its archive", async () => {
    const size = 10 * 1024 ** 3;
    const { regions } = sparseMap([4096, 5], size, 5);
    let seen = 0;
    for await (const chunk of withHoles({ regions, size }, inPieces(Buffer.from("12345"), 2))) seen += chunk.length;
    assert.equal(seen, size);
  });

  test("is refused with a map that is wrong", async () => {
    const sparse = (map: string, size: string, content = ""): Promise<unknown> =>
      read(makeTar([{ path: "f", content, pax: { "GNU.sparse.map": map, "GNU.sparse.size": size } }]));
    await assert.rejects(sparse("0", "10"), /ends within a pair/);
    await assert.rejects(sparse("5,2,4,2", "10", "1234"), /out of order/);
    await assert.rejects(sparse("5,6", "10", "123456"), /out of order/);
    await assert.rejects(sparse("0,3", "10", "1234"), /tells of 3 bytes, and the archive has 4/);
    await assert.rejects(sparse("0,x", "10", "1234"), /no number/);
    await assert.rejects(sparse("0,4", "1e9", "1234"), /no number/);
    const inFront = (content: string): Promise<unknown> =>
      read(makeTar([{ path: "f", content, pax: { "GNU.sparse.realsize": "10" } }]));
    await assert.rejects(inFront("1\n"), /ends early/);
    await assert.rejects(inFront("9999999\n".padEnd(512, "\0")), /more than 1048576 regions/);
    await assert.rejects(inFront("x\n".padEnd(512, "\0")), /no number/);
  });
});
