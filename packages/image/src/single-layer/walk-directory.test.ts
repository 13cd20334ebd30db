import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import type { TarEntry } from "../tar/write-tar.ts";
import { type WalkOptions, walkDirectory } from "./walk-directory.ts";

function fill(root: string): void {
  mkdirSync(join(root, "b/deep"), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, "b/deep/file"), "deep\n");
  writeFileSync(join(root, "a"), "one");
  chmodSync(join(root, "a"), 0o4750);
  utimesSync(join(root, "a"), 1_700_000_000, 1_700_000_000.25);
  linkSync(join(root, "a"), join(root, "b/a-too"));
  symlinkSync("/etc/passwd", join(root, "link"));
  linkSync(join(root, "link"), join(root, "link-too"));
  writeFileSync(join(root, "größe"), "");
  execFileSync("mkfifo", [join(root, "pipe")]);
}

type Seen = Partial<TarEntry> & { readonly text?: string };

async function walked(root: string, options: WalkOptions = {}): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for await (const { content, ...entry } of walkDirectory(root, options)) {
    const chunks = content === undefined ? undefined : await Array.fromAsync(content() as AsyncIterable<Buffer>);
    seen.push(chunks === undefined ? entry : { ...entry, text: Buffer.concat(chunks).toString() });
  }
  return seen;
}

const brief = ({ kind, path, target, text }: Seen): string => [kind, path, ...[target ?? text ?? []].flat()].join(" ");

describe("the entries of a directory", () => {
  test("are all that is in it, in the order of their names' bytes, links by what they share", () =>
    withTemporaryDirectory(async (root) => {
      fill(root);
      assert.deepEqual((await walked(root)).map(brief), [
        "directory .",
        "file a one",
        "directory b",
        "hard-link b/a-too a",
        "directory b/deep",
        "file b/deep/file deep\n",
        "file größe ",
        "symlink link /etc/passwd",
        "hard-link link-too link",
        "fifo pipe",
      ]);
    }));

  test("have modes, owners and times to the nanosecond", () =>
    withTemporaryDirectory(async (root) => {
      fill(root);
      const entry = (await walked(root)).find(({ path }) => path === "a");
      const { uid, gid } = lstatSync(root);
      assert.deepEqual(
        [entry?.mode, entry?.uid, entry?.gid, entry?.mtime, entry?.mtimeNanoseconds, entry?.size],
        [0o4750, uid, gid, 1_700_000_000, 250_000_000, 3],
      );
    }));

  test("have other owners and times where that is asked for", () =>
    withTemporaryDirectory(async (root) => {
      fill(root);
      for (const { uid, gid, mtime, mtimeNanoseconds } of await walked(root, { owners: "root", mtime: 5 })) {
        assert.deepEqual([uid, gid, mtime, mtimeNanoseconds], [0, 0, 5, 0]);
      }
    }));

  test("have the attributes that somebody reads for them, but those of this machine", () =>
    withTemporaryDirectory(async (root) => {
      fill(root);
      const asked: string[] = [];
      const found = new Map([
        ["user.x", Buffer.from("1")],
        ["security.capability", Buffer.from("2")],
        ["security.selinux", Buffer.from("3")],
        ["trusted.overlay.opaque", Buffer.from("y")],
      ]);
      const readXattrs = async (directory: string, paths: readonly string[]): Promise<Map<string, typeof found>> => {
        assert.equal(directory, root);
        asked.push(...paths);
        return new Map(["", "a"].map((path) => [path, found]));
      };
      const entries = await walked(root, { readXattrs });
      assert.deepEqual(asked, ["", "a", "b", "b/deep", "b/deep/file", "größe", "link", "pipe"]);
      const names = entries.map(({ path, xattrs }) => [path, [...(xattrs?.keys() ?? [])]] as const);
      const attributes = ["user.x", "security.capability"];
      assert.deepEqual(
        names.filter(([, each]) => each.length > 0),
        [
          [".", attributes],
          ["a", attributes],
        ],
      );
    }));

  test("do not include sockets", () =>
    withTemporaryDirectory(async (root) => {
      const server = createServer().listen(join(root, "socket"));
      await new Promise((resolve) => server.once("listening", resolve));
      try {
        assert.deepEqual((await walked(root)).map(brief), ["directory ."]);
      } finally {
        server.close();
      }
    }));

  test("of one that is in use are what is there when they are come to, with nothing of what is left out", () =>
    withTemporaryDirectory(async (root) => {
      fill(root);
      mkdirSync(join(root, "c"));
      for (const name of ["c/longer", "c/shorter", "c/then"]) writeFileSync(join(root, name), name);
      const seen: string[] = [];
      for await (const entry of walkDirectory(root, { live: { emptied: new Set(["b", "pipe"]) } })) {
        if (entry.path === "c/longer") {
          appendFileSync(join(root, entry.path), " now");
          rmSync(join(root, "c/then"));
        }
        if (entry.path === "c/shorter") truncateSync(join(root, entry.path), 3);
        const chunks = await Array.fromAsync(entry.content?.() ?? ([] as Iterable<Buffer>));
        seen.push(brief({ ...entry, text: Buffer.concat(chunks).toString() }));
      }
      assert.deepEqual(seen, [
        "directory . ",
        "file a one",
        "directory b ",
        "directory c ",
        "file c/longer c/longer",
        "file c/shorter c/s\0\0\0\0\0\0",
        "file größe ",
        "symlink link /etc/passwd",
        "hard-link link-too link",
      ]);
      await assert.rejects(
        (async () => {
          for await (const { path } of walkDirectory(root)) if (path === "c/longer") rmSync(join(root, "c/shorter"));
        })(),
        { code: "not-found" },
      );
    }));

  test("are refused where no layer can have them, or there is no directory", () =>
    withTemporaryDirectory(async (root) => {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/x`), Buffer.from([0xff])]), "");
      await assert.rejects(walked(root), { code: "invalid", message: /its name is not UTF-8/ });
      await assert.rejects(walked(join(root, "none")), { code: "not-found", message: /Cannot read directory/ });
      writeFileSync(join(root, "file"), "");
      await assert.rejects(walked(join(root, "file")), { code: "invalid", message: /Cannot read directory/ });
    }));
});
