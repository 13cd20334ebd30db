import assert from "node:assert/strict";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { bundleCommand, type CommandBundle } from "./bundle-command.ts";
import { checkoutPackages } from "./checkout-packages.ts";

/** Together these take five milliseconds to load; node:crypto or node:zlib alone would double that. */
const loadedForRun = ["assert/strict", "child_process", "fs", "net", "os", "path", "timers/promises"];

/** The modules of Node that the bundle loads for a command line, whose output goes nowhere. */
async function loadedFor(bundle: CommandBundle, args: readonly string[]): Promise<readonly string[]> {
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
  const parts = new Map<string, object>();
  const requirePart = (id: string): object => {
    const known = parts.get(id);
    if (known !== undefined) return known;
    const part = bundle.find(({ name }) => `./${name}` === id);
    assert.ok(part, `there is no part ${id}`);
    const exports = {};
    parts.set(id, exports);
    new Function("process", "exports", "require", part.text)(observed, exports, requirePart);
    return exports;
  };
  const { commandLine }: { commandLine?: (args: readonly string[]) => Promise<number> } = requirePart(
    `./${bundle[0]?.name}`,
  );
  assert.equal(await commandLine?.(args), 0);
  return [...new Set(loaded)].sort();
}

describe("the bundle of the command", () => {
  test("loads only what it needs of Node to make a container", async () => {
    const root = join(import.meta.dirname, "../..");
    const bundle = await bundleCommand(join(root, "packages/orlop"), checkoutPackages(root));
    // All that run does, up to the making itself.
    assert.deepEqual(
      await loadedFor(bundle, ["explain", "host", "--", "true"]),
      loadedForRun,
      "load the other ones when they are needed: await import(), or process.getBuiltinModule() where that cannot be",
    );
    assert.deepEqual(await loadedFor(bundle, ["--help"]), ["assert/strict"]);
  });
});
