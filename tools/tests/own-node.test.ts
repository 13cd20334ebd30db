import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";

const directory = mkdtempSync(join(tmpdir(), "orlop-own-node-"));
after(() => rmSync(directory, { recursive: true }));

function script(path: string, lines: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
}

/** A checkout with nothing but the launcher, and what the launcher finds when it runs there. */
function runLauncher(name: string, pathNodeVersion: string, ownNode: boolean): { status: number | null; text: string } {
  const checkout = join(directory, name);
  const launcher = join(checkout, "tools", "node");
  mkdirSync(dirname(launcher), { recursive: true });
  copyFileSync(join(import.meta.dirname, "..", "node"), launcher);
  const bin = join(checkout, "bin");
  script(join(bin, "node"), [`[ "$1" = --version ] && echo ${pathNodeVersion} && exit`, 'echo "path $*"']);
  const own = join(checkout, "node_modules", `node-linux-${arch()}`, "bin", "node");
  if (ownNode) script(own, ['echo "own $* $(command -v node)"']);
  const env = { PATH: `${bin}:/usr/bin:/bin` };
  const { status, stdout, stderr } = spawnSync("sh", [launcher, "-C", "a b"], { env, encoding: "utf8" });
  return { status, text: (stdout + stderr).replaceAll(checkout, "") };
}

describe("the launcher of the checkout's own Node", () => {
  test("prefers the locked package, also for what that starts", () => {
    const { text } = runLauncher("own", "v20.1.0", true);
    assert.equal(text, `own -C a b /node_modules/node-linux-${arch()}/bin/node\n`);
  });

  test("falls back to the caller's Node when that is new enough", () => {
    assert.deepEqual(runLauncher("new", "v24.0.0", false), { status: 0, text: "path -C a b\n" });
  });

  test("refuses an old one with the way out", () => {
    const { status, text } = runLauncher("old", "v20.20.2", false);
    assert.equal(status, 1);
    assert.match(text, /^Cannot run TypeScript with Node v20.20.2: .*\nTry npm ci/);
  });
});
