import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { StagedFile } from "./staged-file.ts";

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNanoseconds: 0, xattrs: new Map<string, Buffer>() };

suite("a staged file", () => {
  test("keeps nothing of zeros, in chunks of any size", () =>
    withTemporaryDirectory(async (directory) => {
      for (const chunkBytes of [4096, 16_384, 100_000, 1 << 20]) {
        const path = join(directory, `${chunkBytes}`);
        {
          using file = new StagedFile(path);
          file.write(Buffer.from("start"));
          for (let at = 0; at < 1 << 25; at += chunkBytes) file.write(Buffer.alloc(chunkBytes));
          file.write(Buffer.from("end"));
          file.write(Buffer.alloc(chunkBytes));
          file.finish(ATTRIBUTES, false);
        }
        const zeros = Math.ceil((1 << 25) / chunkBytes) * chunkBytes;
        const { size, blocks, mtimeMs } = statSync(path);
        assert.equal(size, 5 + zeros + 3 + chunkBytes);
        assert.equal(mtimeMs, 1000);
        assert.ok(blocks * 512 < 1 << 20, `${blocks}`);
        const content = readFileSync(path);
        assert.equal(content.toString("latin1", 0, 5), "start");
        assert.equal(content.toString("latin1", 5 + zeros, 5 + zeros + 3), "end");
        assert.equal(content.filter((byte) => byte !== 0).length, 8);
      }
    }));
});
