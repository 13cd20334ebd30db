import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bundleCommand, bundleFile } from "./bundle-command.ts";
import { checkoutPackages } from "./checkout-packages.ts";

/** Together these take five milliseconds to load; node:crypto or node:zlib alone would double that. */
const loadedAtStart = [
  "assert/strict",
  "child_process",
  "events",
  "fs",
  "net",
  "os",
  "path",
  "stream",
  "timers/promises",
  "tty",
];

describe("the bundle of the command", () => {
  test("loads at its start only what every verb needs of Node", async () => {
    const root = join(import.meta.dirname, "../..");
    const { text } = await bundleCommand(join(root, "packages/orlop"), checkoutPackages(root));
    const loaded = [...text.matchAll(/^(?:let|const|var) \w+ = .*\brequire\("node:(.+?)"\)/gm)].map(([, name]) => name);
    assert.deepEqual(
      loaded.sort(),
      loadedAtStart,
      "load the other ones when they are needed: await import(), or process.getBuiltinModule() where that cannot be",
    );
  });

  test("tells one text from another, and which files it was made of", () => {
    const record = (file: string) => JSON.parse(file.slice(file.lastIndexOf("\n//") + 3)) as { build: string };
    const inputs = [["src/é.ts", 1, 2.5]] as const;
    assert.deepEqual(record(bundleFile("a();\n", inputs)), { build: record(bundleFile("a();\n")).build, inputs });
    assert.notEqual(record(bundleFile("a();\n")).build, record(bundleFile("b();\n")).build);
    assert.match(bundleFile("a();\n", inputs), /^[\0-\x7f]*$/);
  });
});
