import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { RootDirectory } from "./root-directory.ts";

const scratch = mkdtempSync(join(tmpdir(), "orlop-root-"));
after(() => rmSync(scratch, { recursive: true }));
const root = join(scratch, "root");
mkdirSync(join(root, "etc/deep"), { recursive: true });
mkdirSync(join(root, "usr/etc"), { recursive: true });
writeFileSync(join(scratch, "secret"), "outside");
writeFileSync(join(root, "etc/passwd"), "inside");
writeFileSync(join(root, "secret"), "the root's own");
symlinkSync("/etc/passwd", join(root, "absolute"));
symlinkSync("../../../../etc/passwd", join(root, "etc/upwards"));
symlinkSync("../../../../../secret", join(root, "etc/deep/out"));
symlinkSync("/../secret", join(root, "above"));
symlinkSync("loop", join(root, "loop"));
symlinkSync("/usr", join(root, "link-to-usr"));
symlinkSync(scratch, join(root, "to-the-host"));
symlinkSync("/nothing", join(root, "dangling"));
execFileSync("mkfifo", [join(root, "fifo")]);

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

function read(path: string, bytesMax = 100): string | undefined {
  const before = openDescriptors();
  using directory = new RootDirectory(root);
  const content = directory.readFile(path, bytesMax)?.toString();
  assert.equal(openDescriptors(), before + 1, "descriptors are left open");
  return content;
}

describe("reading below a root", () => {
  const cases: readonly [path: string, content: string | undefined][] = [
    ["etc/passwd", "inside"],
    ["/etc//./passwd", "inside"],
    ["etc/deep/../passwd", "inside"],
    ["../../etc/passwd", "inside"],
    ["absolute", "inside"],
    ["etc/upwards", "inside"],
    ["etc/deep/out", "the root's own"],
    ["above", "the root's own"],
    ["link-to-usr/../etc/passwd", "inside"],
    ["to-the-host/secret", undefined],
    ["loop", undefined],
    ["dangling", undefined],
    ["nothing", undefined],
    ["etc", undefined],
    ["etc/passwd/x", undefined],
    ["fifo", undefined],
    ["", undefined],
  ];
  for (const [path, content] of cases) {
    test(`gives ${content === undefined ? "nothing" : `"${content}"`} for "${path}"`, () =>
      assert.equal(read(path), content));
  }

  test("is limited", () => {
    assert.equal(read("etc/passwd", 6), "inside");
    assert.throws(() => read("etc/passwd", 5), { code: "exhausted", message: /has more than 5 bytes/ });
  });
});
