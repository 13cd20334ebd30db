import assert from "node:assert/strict";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { bundleCommand } from "./bundle-command.ts";
import { checkoutPackages } from "./checkout-packages.ts";

/** Together these take two milliseconds to load; node:crypto or node:zlib alone would double that. */
const loadedForRun = ["child_process", "fs", "net", "os", "path", "timers/promises"];

const root = join(import.meta.dirname, "../..");
const bundle = await bundleCommand(join(root, "packages/orlop"), checkoutPackages(root));

/** The modules of Node that the bundle loads for a command line, whose output goes nowhere. */
async function loadedFor(args: readonly string[]): Promise<readonly string[]> {
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
  const requirePart = partLoader(observed);
  const { commandLine }: { commandLine?: (args: readonly string[]) => Promise<number> } = requirePart(
    `./${bundle[0]?.name}`,
  );
  assert.equal(await commandLine?.(args), 0);
  return [...new Set(loaded)].sort();
}

/** What requires parts of the bundle, in which `process` is this one. */
function partLoader(observed: NodeJS.Process): (id: string) => object {
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
  return requirePart;
}

describe("the bundle of the command", () => {
  test("loads only what it needs of Node to make a container", async () => {
    // All that run does, up to the making itself.
    assert.deepEqual(
      await loadedFor(["explain", "host", "--", "true"]),
      loadedForRun,
      "load the other ones when they are needed: await import(), or process.getBuiltinModule() where that cannot be",
    );
    assert.deepEqual(await loadedFor(["--help"]), []);
  });

  test("fails where an assertion does, as Node's own", () => {
    const part = bundle.find(({ text }) => text.includes('"node:assert/strict"'));
    assert.ok(part);
    const [found] = Object.values(partLoader(process)(`./${part.name}`)) as [() => typeof assert];
    const checks: typeof assert = found();
    checks(1, "told");
    checks.ok("x");
    checks.equal(Number.NaN, Number.NaN);
    const failed = (error: unknown): boolean =>
      error instanceof assert.AssertionError && error.message.startsWith("told");
    assert.throws(() => checks(0, "told"), failed);
    assert.throws(() => checks.ok("", "told"), failed);
    assert.throws(() => checks.equal(1, 2, "told"), failed);
    assert.throws(() => checks.fail("told"), failed);
  });
});
