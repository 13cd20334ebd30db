import assert from "node:assert/strict";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { bundleCommand, bundleFile } from "./bundle-command.ts";
import { checkoutPackages } from "./checkout-packages.ts";

/** Together these take five milliseconds to load; node:crypto or node:zlib alone would double that. */
const loadedForRun = ["assert/strict", "child_process", "fs", "net", "os", "path", "timers/promises"];

/** The modules of Node that the bundle loads for a command line, whose output goes nowhere. */
async function loadedFor(text: string, args: readonly string[]): Promise<readonly string[]> {
  const loaded: string[] = [];
  const observed: NodeJS.Process = Object.create(process, {
    stdout: { value: new Writable({ write: (_chunk, _encoding, done) => done() }) },
    getBuiltinModule: {
      value: (name: string) => {
        loaded.push(name.slice("node:".length));
        return process.getBuiltinModule(name);
      },
    },
  });
  const exports: { commandLine?: (args: readonly string[]) => Promise<number> } = {};
  new Function("process", "exports", text)(observed, exports);
  assert.equal(await exports.commandLine?.(args), 0);
  return [...new Set(loaded)].sort();
}

describe("the bundle of the command", () => {
  test("loads only what it needs of Node to make a container", async () => {
    const root = join(import.meta.dirname, "../..");
    const { text } = await bundleCommand(join(root, "packages/orlop"), checkoutPackages(root));
    // All that run does, up to the making itself.
    assert.deepEqual(
      await loadedFor(text, ["explain", "host", "--", "true"]),
      loadedForRun,
      "load the other ones when they are needed: await import(), or process.getBuiltinModule() where that cannot be",
    );
    assert.deepEqual(await loadedFor(text, ["--help"]), ["assert/strict"]);
  });

  test("tells one text from another, and which files it was made of", () => {
    const record = (file: string) => JSON.parse(file.slice(file.lastIndexOf("\n//") + 3)) as { build: string };
    const inputs = [["src/é.ts", 1, 2.5]] as const;
    assert.deepEqual(record(bundleFile("a();\n", inputs)), { build: record(bundleFile("a();\n")).build, inputs });
    assert.notEqual(record(bundleFile("a();\n")).build, record(bundleFile("b();\n")).build);
    assert.match(bundleFile("a();\n", inputs), /^[\0-\x7f]*$/);
  });
});
