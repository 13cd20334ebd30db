import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const needsRoot = process.getuid?.() === 0 ? false : "needs root";
const launcher = join(import.meta.dirname, "../../bin/orlop");

function run(...args: readonly string[]): string {
  return execFileSync(launcher, ["run", "--rm", "host", ...args], { encoding: "utf8" });
}

test("has no way from its root to the host's", { skip: needsRoot }, () => {
  const [device, parentDevice] = run("stat", "-c", "%d", "/", "/..").trim().split("\n");
  assert.equal(parentDevice, device, '"/.." is another file system than "/"');
  assert.notEqual(Number(device), statSync("/").dev);
});

test("sees no mount of the host", { skip: needsRoot }, () => {
  const places = run("cat", "/proc/mounts")
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[1]);
  assert.equal(places.filter((place) => place === "/").length, 1, `mounted: ${places.join(" ")}`);
  assert.equal(new Set(places).size, places.length, `mounted twice: ${places.join(" ")}`);
});
