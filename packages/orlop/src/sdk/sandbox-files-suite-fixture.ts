import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Sandbox } from "../index.ts";

interface SandboxFilesSuiteOptions {
  readonly skip: string | false;
  readonly makeBusybox: (directory: string) => void;
}

const SECRET = "of this machine";

/** What is promised of the files of a sandbox, whatever its programs put in the way. */
export function sandboxFilesSuite({ skip, makeBusybox }: SandboxFilesSuiteOptions): void {
  let directory = "";
  let outside = "";
  let box: Sandbox | undefined;
  before(async () => {
    if (skip !== false) return;
    directory = mkdtempSync(join(tmpdir(), "orlop-sandbox-files-"));
    outside = join(directory, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), SECRET);
    makeBusybox(join(directory, "root"));
    box = await Sandbox.create({ image: { dir: join(directory, "root") } });
  });
  after(async () => {
    await box?.[Symbol.asyncDispose]();
    if (directory !== "") rmSync(directory, { recursive: true, force: true });
  });
  const opened = (): Sandbox => {
    assert.ok(box);
    return box;
  };
  describe("the files of a sandbox", { skip }, () => {
    plainTests(opened);
    linkTests(opened, () => outside);
    refusalTests(opened);
  });
}

type Opened = () => Sandbox;

function plainTests(opened: Opened): void {
  test("are what its programs see, and the other way round", async () => {
    const { fs, $, sh } = bound(opened());
    const bytes = Buffer.from([0, 255, 10, 128]);
    await fs.write("/new/deep/file", bytes, { mode: 0o750 });
    assert.equal((await $`wc -c /new/deep/file`).stdout, "4 /new/deep/file\n");
    assert.deepEqual(await fs.read("/new/deep/file"), bytes);
    await fs.write("/new/deep/file", "x");
    const { modifiedAtMs, ...stat } = await fs.stat("/new/deep/file");
    assert.ok(modifiedAtMs > 0);
    const { uid, gid } = await fs.stat("/new");
    assert.deepEqual(stat, { kind: "file", sizeBytes: 1, mode: 0o750, uid, gid });
    await sh`mkdir /d; touch /d/f; ln -s f /d/l; mkfifo /d/p; mkdir /d/s`;
    assert.deepEqual(await fs.list("/d"), [
      { name: "f", kind: "file" },
      { name: "l", kind: "symlink" },
      { name: "p", kind: "other" },
      { name: "s", kind: "directory" },
    ]);
    assert.equal((await fs.stat("/")).kind, "directory");
    await assert.rejects(fs.remove("/d"), { errno: "ENOTEMPTY" });
    await fs.remove("/d/l");
    await fs.remove("/d", { recursive: true });
    await assert.rejects(fs.stat("/d"), { code: "not-found" });
  });
}

function linkTests(opened: Opened, outside: () => string): void {
  const untouched = (): void => {
    assert.deepEqual(readdirSync(outside()), ["secret"]);
    assert.equal(readFileSync(join(outside(), "secret"), "utf8"), SECRET);
  };

  test("are read and written within the sandbox only, wherever links point", async () => {
    const { fs, sh } = bound(opened());
    const up = `${"../".repeat(20)}${outside()}`;
    for (const target of [outside(), up, `/proc/1/root/${up}`, `/proc/self/cwd/${up}`, `/proc/1/fd/0/${up}`]) {
      await sh`mkdir -p /t; rm -f /t/*; ln -s ${target} /t/dir; ln -s ${target}/secret /t/file`;
      for (const path of ["/t/file", "/t/dir/secret"]) await assert.rejects(fs.read(path), { code: "not-found" });
      await assert.rejects(fs.list("/t/dir"), { code: "not-found" });
      await assert.rejects(fs.write("/t/file", "no"), { code: "conflict" });
      await assert.rejects(fs.write("/t/dir/new", "no"));
      await assert.rejects(fs.remove("/t/dir/secret"), { code: "not-found" });
      untouched();
    }
    await sh`mkdir -p /t/tree; ln -s ${outside()} /t/tree/out; ln -s ${up} /t/tree/up`;
    await fs.remove("/t/tree", { recursive: true });
    untouched();
    await sh`mkdir -p ${outside()}`;
    await sh`ln -s ${outside()} /t/in`;
    await fs.write("/t/in/inside", "stays inside");
    assert.equal(await fs.readText(`${outside()}/inside`), "stays inside");
    untouched();
  });

  test("stay within the sandbox while its programs exchange directories for links", async () => {
    const { fs } = bound(opened());
    await opened().sh`mkdir -p /r/a; echo inside > /r/a/secret; ln -s ${outside()} /r/b`;
    const exchange = "while :; do mv /r/a /r/c; mv /r/b /r/a; mv /r/a /r/b; mv /r/c /r/a; done";
    await using program = opened().spawn(["sh", "-c", exchange]);
    for (let round = 0; round < 300; round++) {
      const text = await fs.readText("/r/a/secret").catch(() => "");
      assert.notEqual(text, SECRET);
      await fs.write("/r/a/secret", "inside\n").catch(() => {});
      await fs.write("/r/a/x/y", "").catch(() => {});
      await fs.remove("/r/a/x", { recursive: true }).catch(() => {});
      await fs.remove("/r/a/secret").catch(() => {});
    }
    await program[Symbol.asyncDispose]();
    untouched();
  });
}

function refusalTests(opened: Opened): void {
  test("are regular ones, and nothing that waits or acts", async () => {
    const { fs, sh } = bound(opened());
    await sh`mkdir -p /k; mkfifo /k/pipe; ln -s /proc/1 /k/one; ln -s /dev /k/dev`;
    await assert.rejects(fs.read("/k/pipe"), { code: "invalid" });
    await assert.rejects(fs.write("/k/pipe", "x"), { code: "conflict" });
    await assert.rejects(fs.read("/dev/zero"), { code: "invalid" });
    await assert.rejects(fs.write("/k/dev/null", "x"), { code: "conflict" });
    await assert.rejects(fs.write("/k/one/oom_score_adj", "-1"), { code: "denied" });
    await assert.rejects(fs.list("/k/pipe"), { code: "invalid" });
    await assert.rejects(fs.read("/k"), { code: "invalid" });
    await assert.rejects(fs.write("/k", "x"), { code: "conflict" });
  });

  test("are refused when they are too large, and when a signal has aborted", async () => {
    const { fs } = bound(opened());
    await fs.write("/large", Buffer.alloc(3_000_000));
    assert.equal((await fs.read("/large", { maxBytes: 3_000_000 })).length, 3_000_000);
    await assert.rejects(fs.read("/large", { maxBytes: 2_999_999 }), { code: "exhausted" });
    await assert.rejects(fs.read("/large", { signal: AbortSignal.abort() }), { code: "cancelled" });
    await assert.rejects(fs.write("/large", "", { signal: AbortSignal.abort() }), { code: "cancelled" });
  });

  test("are named by absolute paths", async () => {
    const { fs } = bound(opened());
    for (const path of ["", "etc", "./x", "/a\0b"]) {
      await assert.rejects(fs.read(path), { code: "invalid" });
      await assert.rejects(fs.remove(path), { code: "invalid" });
    }
    for (const path of ["/", "/..", "/tmp/.", "/tmp/.."]) await assert.rejects(fs.remove(path), { code: "invalid" });
  });
}

function bound(box: Sandbox): Pick<Sandbox, "fs" | "$" | "sh"> {
  return { fs: box.fs, $: box.$.bind(box), sh: box.sh.bind(box) };
}
