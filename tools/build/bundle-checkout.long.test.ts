import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { bundleCheckout } from "./bundle-checkout.ts";

const scratch = mkdtempSync(join(tmpdir(), "orlop-bundle-checkout-"));
after(() => rmSync(scratch, { recursive: true }));

const manifest = (name: string): string =>
  JSON.stringify({
    name,
    version: "1.0.0",
    type: "module",
    exports: { ".": { source: "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" } },
  });

/** A checkout with a command that says where it runs and which word a package below it holds. */
const files = {
  "packages/core/package.json": manifest("@orlop/core"),
  "packages/core/src/index.ts": 'export { word } from "./word.ts";\n',
  "packages/core/src/word.ts": 'export const word: string = "first é";\n',
  "packages/orlop/package.json": manifest("orlop"),
  "packages/orlop/src/index.ts": "export {};\n",
  "packages/orlop/src/main.ts":
    'import { commandLine } from "./command-line.ts";\nprocess.exitCode = await commandLine(process.argv.slice(2));\n',
  "packages/orlop/src/command-line.ts": [
    'import { basename } from "node:path";',
    'import { word } from "@orlop/core";',
    "export async function commandLine(args: readonly string[]): Promise<number> {",
    '  const { later } = await import("./later.ts");',
    '  console.log([word, later(), ...args, "from", basename(import.meta.dirname)].join(" "));',
    '  return args.includes("fail") ? 3 : 0;',
    "}",
    "",
  ].join("\n"),
  "node_modules/library/package.json": '{ "name": "library", "version": "1.0.0", "main": "index.js" }',
  "node_modules/library/index.js": 'exports.about = "a library ";\n',
  "packages/orlop/src/later.ts":
    'export function later(): string {\n  return typeof process.getBuiltinModule("node:zlib").gzip;\n}\n',
} as const;

/** Far above the steps in which this machine's own file system counts time. */
const timeStepMs = 50;

class Checkout {
  static #count = 0;
  readonly root: string = join(scratch, `it's checkout ${++Checkout.#count}`);

  constructor() {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      writeFileSync(this.path(path), text);
    }
    cpSync(join(import.meta.dirname, "../../packages/orlop/bin"), this.path("packages/orlop/bin"), { recursive: true });
    mkdirSync(this.path("node_modules/@orlop"), { recursive: true });
    symlinkSync("../../packages/core", this.path("node_modules/@orlop/core"));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  async bundle(): Promise<void> {
    await bundleCheckout(this.root, timeStepMs);
  }

  run(args: readonly string[] = [], changes: NodeJS.ProcessEnv = {}): { readonly text: string; status: number | null } {
    const { ORLOP_SOURCES: _, ...env } = process.env;
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    const { stdout, stderr, status } = spawnSync(this.path("packages/orlop/bin/orlop"), args, {
      env: { ...env, PATH, XDG_CACHE_HOME: this.path("cache"), ...changes },
      encoding: "utf8",
    });
    return { text: (stdout + stderr).trim(), status };
  }
}

describe("the command of a checkout", () => {
  test("runs the sources before there is a bundle, and what npm ci has bundled afterwards", async () => {
    const checkout = new Checkout();
    assert.equal(checkout.run(["a b"]).text, "first \u00e9 function a b from src");
    await checkout.bundle();
    assert.deepEqual(checkout.run(["a b"]), { text: "first \u00e9 function a b from .cache", status: 0 });
    assert.equal(checkout.run(["fail"]).status, 3);
    assert.equal(checkout.run([], { ORLOP_SOURCES: "1" }).text, "first \u00e9 function from src");
  });

  const word = "packages/core/src/word.ts";
  const changed = files[word].replace("first", "other");
  const edits: readonly (readonly [what: string, edit: (checkout: Checkout) => void])[] = [
    ["with another text of the same size", (checkout) => writeFileSync(checkout.path(word), changed)],
    [
      "and its time set back",
      (checkout) => {
        const { atime, mtime } = statSync(checkout.path(word));
        writeFileSync(checkout.path(word), changed);
        utimesSync(checkout.path(word), atime, mtime);
      },
    ],
    [
      "and replaced, as git does",
      (checkout) => {
        writeFileSync(checkout.path("new"), changed);
        renameSync(checkout.path("new"), checkout.path(word));
      },
    ],
    [
      "by an older file, as a copy that keeps times does",
      (checkout) => {
        writeFileSync(checkout.path("old"), changed);
        utimesSync(checkout.path("old"), 0, 0);
        renameSync(checkout.path("old"), checkout.path(word));
      },
    ],
  ];
  for (const [what, edit] of edits) {
    test(`runs a source that was edited after the bundle was made, ${what}`, async () => {
      const checkout = new Checkout();
      await checkout.bundle();
      edit(checkout);
      assert.equal(checkout.run().text, "other \u00e9 function from src");
      await checkout.bundle();
      assert.equal(checkout.run().text, "other \u00e9 function from .cache");
    });
  }

  test("sees that a file is gone, that a manifest or a part that is loaded late has changed, or that a bundle is broken", async () => {
    const checkout = new Checkout();
    await checkout.bundle();
    const later = checkout.path("packages/orlop/src/later.ts");
    writeFileSync(later, files["packages/orlop/src/later.ts"].replace("typeof ", '"late " + typeof '));
    assert.equal(checkout.run().text, "first \u00e9 late function from src");
    await checkout.bundle();
    rmSync(later);
    assert.match(checkout.run().text, /ERR_MODULE_NOT_FOUND/);
    writeFileSync(later, files["packages/orlop/src/later.ts"]);
    await checkout.bundle();
    appendFileSync(checkout.path("packages/core/package.json"), "\n");
    assert.equal(checkout.run().text, "first \u00e9 function from src");
    await checkout.bundle();
    assert.equal(checkout.run().text, "first \u00e9 function from .cache");
    writeFileSync(checkout.path("packages/orlop/.cache/cli.cjs"), "half of i");
    assert.equal(checkout.run().text, "first \u00e9 function from src");
  });

  test("sees that an installed package was replaced", async () => {
    const checkout = new Checkout();
    const later = files["packages/orlop/src/later.ts"].replace("return ", "return about + ");
    writeFileSync(checkout.path("packages/orlop/src/later.ts"), `import { about } from "library";\n${later}`);
    await checkout.bundle();
    assert.equal(checkout.run().text, "first \u00e9 a library function from .cache");
    const installed = checkout.path("node_modules/library");
    writeFileSync(join(installed, "index.js"), 'exports.about = "another ";\n');
    renameSync(join(installed, "package.json"), join(installed, "old"));
    cpSync(join(installed, "old"), join(installed, "package.json"), { preserveTimestamps: true });
    assert.equal(checkout.run().text, "first \u00e9 another function from src");
  });

  test("keeps what V8 compiled where nobody else can have written it", async () => {
    const checkout = new Checkout();
    await checkout.bundle();
    const directory = checkout.path("cache/orlop/code");
    checkout.run(["fail"]);
    assert.equal(existsSync(directory), false);
    for (const verb of ["version", "../x"]) checkout.run([verb]);
    const names = readdirSync(directory);
    assert.deepEqual(names.map((name) => name.split("-")[0]).sort(), ["none", "version"]);
    const file = join(directory, names.find((name) => name.startsWith("version")) ?? "");
    // At first it is only which parts were used.
    assert.match(readFileSync(file, "latin1"), /^\["command-line.js",.*"later.js"\] *\n$/);
    checkout.run(["version"]);
    const kept = statSync(file);
    assert.equal(kept.mode & 0o777, 0o600);
    assert.match(readFileSync(file, "latin1"), /^\["command-line.js",.*"later.js"\] *\n./s);
    // Where V8 takes it as it is, without a copy.
    assert.equal((readFileSync(file, "latin1").indexOf("\n") + 1) % 8, 0);
    assert.equal(checkout.run(["version"]).status, 0);
    assert.equal(statSync(file).ino, kept.ino);
    chmodSync(file, 0o666);
    assert.equal(checkout.run(["version"]).text, "first \u00e9 function version from .cache");
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });
});

test("an installation goes on when there is nothing to bundle, or nothing to bundle with", () => {
  const prepare = join(import.meta.dirname, "../prepare.ts");
  const { status, stdout } = spawnSync(process.execPath, ["-C", "source", prepare], { cwd: scratch, encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(stdout, /^note: orlop will run from its sources, .*command-line\.ts does not exist\n$/);
});
