import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LayerEntry } from "@orlop/core";
import { SnapshotBench } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "../store/stored-snapshotter.ts";
import { makeSpecialFiles } from "../system/special-files.ts";
import { SystemCalls } from "../system/system-calls.ts";

/** All that a layer says of a file, in a line. */
async function describe(entries: AsyncIterable<LayerEntry>): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { kind, path, mode, uid, gid, target, size, xattrs, mtime, mtimeNanoseconds, content } of entries) {
    const text = kind === "file" ? Buffer.concat(await Array.fromAsync(content())).toString() : "";
    const names = [...xattrs].map(([name, value]) => `${name}=${value}`);
    const time = path.includes(".wh.") ? "" : `${mtime}.${mtimeNanoseconds}`;
    lines.push([kind, path, mode.toString(8), uid, gid, target, size, time, text, ...names].join(" "));
  }
  return lines;
}

test("files that their owner may not read are in what a container has written, as all others", async () => {
  await using bench = await SnapshotBench.open(makerOf("overlay"), undefined);
  using system = new SystemCalls();
  const snapshotter = bench.snapshotter as StoredSnapshotter;
  await bench.layer("l", undefined, [
    { path: "gone", text: "gone" },
    { path: "replaced/old", text: "old" },
  ]);
  const mounts = await snapshotter.prepare("a", "l");
  const upperdir = mounts[0]?.options.find((option) => option.startsWith("upperdir=")) ?? "";
  const upper = upperdir.slice("upperdir=".length);
  mkdirSync(join(upper, "closed"));
  writeFileSync(join(upper, "closed/inner"), "inner");
  linkSync(join(upper, "closed/inner"), join(upper, "closed/other"));
  symlinkSync("inner", join(upper, "closed/link"));
  mkdirSync(join(upper, "replaced"));
  writeFileSync(join(upper, "secret"), "secret");
  await makeSpecialFiles(
    system,
    upper,
    [
      { kind: "whiteout", path: "gone" },
      { kind: "xattr", path: "replaced", name: "user.overlay.opaque", value: Buffer.from("y") },
      { kind: "xattr", path: "secret", name: "user.of", value: Buffer.from("mine") },
    ],
    false,
  );
  const open = await describe(snapshotter.upperEntries("a"));
  const modes = { closed: "755", secret: "644" };
  for (const name of Object.keys(modes)) chmodSync(join(upper, name), 0);
  using opened = new DisposableStack();
  // What is left of a test that fails is removed by its owner.
  opened.defer(() => chmodSync(join(upper, "closed"), 0o700));
  const closed = await describe(snapshotter.upperEntries("a"));
  assert.deepEqual(
    closed,
    open.map((line) => {
      const [, name = "", mode = ""] = line.split(" ");
      return name in modes ? line.replace(` ${name} ${mode} `, ` ${name} 0 `) : line;
    }),
  );
  assert.ok(open.some((line) => line.includes("file closed/inner 644 0 0  5")));
  using changes = await snapshotter.changes("a");
  const listed = (await changes.list()).map(({ kind, path }) => `${kind} ${path}`);
  assert.ok(
    listed.some((each) => /closed\/inner$/.test(each)) && listed.some((each) => /gone$/.test(each)),
    listed.join(),
  );
});
