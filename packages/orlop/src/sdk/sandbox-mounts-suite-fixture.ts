import assert from "node:assert/strict";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Sandbox } from "../index.ts";

const OWNER = { uid: 1234, gid: 77 };

/** What mounts of a sandbox promise, for whoever runs it. */
export function sandboxMountsSuite({ skip }: { readonly skip: string | false }): void {
  let tree = "";
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), "orlop-sandbox-mounts-"));
    writeFileSync(join(tree, "a"), "of the host\n");
    mkdirSync(join(tree, "d"));
    writeFileSync(join(tree, "d/b"), "below\n");
  });
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  describe("a mount of a sandbox", { skip }, () => {
    test("as overlay can be written to and stays what it is", async () => {
      await using box = await Sandbox.create({ image: "host", mounts: [{ from: tree, to: "/mnt", mode: "overlay" }] });
      const script = "cat a d/b; echo changed > a; rm -r d; echo new > c; ls; cat a c";
      const { stdout, stderr } = await box.run(["sh", "-c", script], { workdir: "/mnt" });
      assert.deepEqual([stdout, stderr], ["of the host\nbelow\na\nc\nchanged\nnew\n", ""]);
      await box.fs.write("/mnt/e", "by fs");
      assert.equal(await box.fs.readText("/mnt/a"), "changed\n");
      assert.deepEqual(readdirSync(tree).sort(), ["a", "d"]);
      assert.equal(readFileSync(join(tree, "a"), "utf8"), "of the host\n");
    });

    test("as overlay is one sandbox's alone", async () => {
      const mounts = [{ from: tree, to: "/mnt", mode: "overlay" }] as const;
      await using one = await Sandbox.create({ image: "host", mounts });
      await using other = await Sandbox.create({ image: "host", mounts });
      await one.sh`echo one > /mnt/a`;
      assert.equal(await other.fs.readText("/mnt/a"), "of the host\n");
    });
  });

  describe("a mount whose owner is mapped", { skip }, () => {
    const isRoot = process.getuid?.() === 0;
    const noIdmap = isRoot ? false : "needs root";

    test("belongs to the sandbox's user, who writes as its owner", { skip: noIdmap }, async () => {
      for (const path of [tree, join(tree, "a")]) chownSync(path, OWNER.uid, OWNER.gid);
      const mounts = [{ from: tree, to: "/mnt", mode: "rw", owner: "map" }] as const;
      for (const user of ["0:0", "55:66"]) {
        await using box = await Sandbox.create({ image: "host", user, mounts });
        const name = `by-${user.replace(":", "-")}`;
        const { stdout, stderr } = await box.sh`cd /mnt; stat -c %u:%g . a d; echo x > ${name}`;
        assert.deepEqual([stdout, stderr], [`${user}\n${user}\n65534:65534\n`, ""]);
        const { uid, gid } = statSync(join(tree, name));
        assert.deepEqual({ uid, gid }, OWNER);
      }
    });

    test("can be an overlay", { skip: noIdmap }, async () => {
      for (const path of [tree, join(tree, "a")]) chownSync(path, OWNER.uid, OWNER.gid);
      const mounts = [{ from: tree, to: "/mnt", mode: "overlay", owner: "map" }] as const;
      await using box = await Sandbox.create({ image: "host", user: "55:66", mounts });
      const { stdout, stderr } = await box.sh`cd /mnt; stat -c %u:%g . a; echo x > b; echo y > a; cat a b`;
      assert.deepEqual([stdout, stderr], ["55:66\n55:66\ny\nx\n", ""]);
      assert.equal(readFileSync(join(tree, "a"), "utf8"), "of the host\n");
    });

    test("is the caller's for an ordinary user, and nobody else's", {
      skip: isRoot && "needs an ordinary user",
    }, async () => {
      const mounts = [{ from: tree, to: "/mnt", mode: "rw", owner: "map" }] as const;
      await using box = await Sandbox.create({ image: "host", mounts });
      assert.equal((await box.sh`stat -c %u /mnt/a; echo x > /mnt/x`).stdout, "0\n");
      assert.equal(statSync(join(tree, "x")).uid, process.getuid?.());
      const foreign = [{ from: "/etc", to: "/mnt", owner: "map" }] as const;
      await assert.rejects(Sandbox.create({ image: "host", mounts: foreign }), { code: "denied", field: "mounts[0]" });
    });
  });
}
