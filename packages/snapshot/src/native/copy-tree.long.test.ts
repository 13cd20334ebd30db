import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { SystemCalls } from "../system/system-calls.ts";
import { copyTree } from "./copy-tree.ts";

const HOLE_BYTES = 64 * 1024 * 1024;

async function withCopy(
  make: (from: string) => void | Promise<void>,
  check: (from: string, to: string) => void,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const [from, to] = [join(directory, "from"), join(directory, "to")];
    mkdirSync(from);
    await make(from);
    using system = new SystemCalls();
    const keepOwners = process.geteuid?.() === 0;
    await copyTree(from, to, { system, scratch: join(directory, "scratch"), keepOwners });
    check(from, to);
    assert.deepEqual(readdirSync(directory).sort(), ["from", "to"]);
  });
}

test("a copy has the modes, the times to the nanosecond, the links and the kinds of files", () =>
  withCopy(
    (from) => {
      mkdirSync(join(from, "d/e"), { recursive: true });
      writeFileSync(join(from, "d/f"), "text");
      chmodSync(join(from, "d/f"), 0o4711);
      linkSync(join(from, "d/f"), join(from, "same"));
      symlinkSync("../nowhere", join(from, "d/link"));
      linkSync(join(from, "d/link"), join(from, "same-link"));
      execFileSync("mkfifo", [join(from, "pipe"), join(from, "other")]);
      linkSync(join(from, "pipe"), join(from, "same-pipe"));
      for (const name of ["d/link", "same", "pipe", "d/e", "d", "."]) {
        execFileSync("touch", ["-h", "-d", "2001-02-03 04:05:06.123456789", join(from, name)]);
      }
      chmodSync(join(from, "d"), 0o511);
    },
    (from, to) => {
      for (const name of ["", "d", "d/e", "d/f", "same", "d/link", "same-link", "pipe", "same-pipe", "other"]) {
        const [own, before] = [from, to].map((root) => lstatSync(join(root, name), { bigint: true }));
        for (const fact of ["mode", "uid", "gid", "size", "mtimeNs", "nlink"] as const) {
          assert.equal(own?.[fact], before?.[fact], `${fact} of ${name}`);
        }
      }
      assert.equal(readFileSync(join(to, "d/f"), "utf8"), "text");
      assert.equal(readlinkSync(join(to, "d/link")), "../nowhere");
      assert.equal(lstatSync(join(to, "same")).ino, lstatSync(join(to, "d/f")).ino);
      for (const root of [from, to]) chmodSync(join(root, "d"), 0o755);
    },
  ));

test("a copy of a file with holes has them, too", () =>
  withCopy(
    (from) => {
      const fd = openSync(join(from, "sparse"), "w");
      writeSync(fd, "start");
      writeSync(fd, "end", HOLE_BYTES);
      writeFileSync(join(from, "large"), Buffer.alloc(1 << 20, 1));
    },
    (from, to) => {
      const { size, blocks } = lstatSync(join(to, "sparse"));
      assert.equal(size, HOLE_BYTES + 3);
      assert.ok(blocks * 512 < 1 << 20, `${blocks}`);
      for (const name of ["sparse", "large"])
        assert.ok(readFileSync(join(from, name)).equals(readFileSync(join(to, name))));
    },
  ));

test("a copy has no sockets", () =>
  withCopy(
    async (from) => {
      const server = createServer().listen(join(from, "socket"));
      await new Promise((resolve) => server.once("listening", resolve));
      writeFileSync(join(from, "f"), "");
      // Closing it would remove its file.
      server.unref();
    },
    (_, to) => assert.deepEqual(readdirSync(to), ["f"]),
  ));
