import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Screen } from "./screen-fixture.ts";

const program = [process.execPath, "-C", "source", join(import.meta.dirname, "shown-progress-fixture.ts")];
const LINES = [
  `registry.example/app:1: sha256:${"a".repeat(64)}`,
  "aaaaaaaaaaaa: layer: downloading 2MB",
  "aaaaaaaaaaaa: layer: done",
];

function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [file = "", ...args] = words;
  return spawnSync(file, args, { encoding: "utf8", env: { ...process.env, ...env } });
}

/** Whatever the program says at a terminal of its own. */
function atTerminal(env: Readonly<Record<string, string>>): string {
  return run(["script", "-qec", program.join(" "), "/dev/null"], env).stdout.replaceAll("\r\n", "\n");
}

const needsScript = run(["script", "--version"]).status !== 0 && "needs script (Debian: apt-get install bsdutils)";

describe("progress goes to standard error", () => {
  test("in lines where that is no terminal", () => {
    const { stdout, stderr, status } = run(program);
    assert.deepEqual([stdout, stderr.split("\n"), status], ["result\n", [...LINES, ""], 0]);
  });

  test("not at all when it is to be quiet", () => {
    const { stdout, stderr } = run([...program, "quiet"]);
    assert.deepEqual([stdout, stderr], ["result\n", ""]);
  });

  test("in place on a terminal, where the result stands below it", { skip: needsScript }, () => {
    const screen = new Screen(80, 24);
    screen.write(atTerminal({ TERM: "xterm", NO_COLOR: "1" }));
    assert.deepEqual(screen.seen, ["registry.example/app:1", "  aaaaaaaaaaaa  layer     done         2MB", "result"]);
  });

  test("in lines on a terminal that can do no more", { skip: needsScript }, () => {
    assert.deepEqual(atTerminal({ TERM: "dumb" }).split("\n"), [...LINES, "result", ""]);
  });
});
