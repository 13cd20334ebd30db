import assert from "node:assert/strict";
import { join, relative } from "node:path";
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

/** What is only needed to make, bring or collect layers, or by one snapshotter alone. */
const NOT_FOR_A_START = [
  "image/src/collect/collect-garbage.ts",
  "image/src/database/file-lock.ts",
  "image/src/store/blob-ingests.ts",
  "image/src/store/blob-removal.ts",
  "image/src/store/content-leftovers.ts",
  "image/src/store/local-ingest.ts",
  "image/src/transfer/pull-image.ts",
  "image/src/tar/read-tar.ts",
  "snapshot/src/btrfs/btrfs-trees.ts",
  "snapshot/src/devmapper/device-mapper.ts",
  "snapshot/src/directory/directory-layer-writer.ts",
  "snapshot/src/directory/upper-entries.ts",
  "snapshot/src/disk/disk-driver.ts",
  "snapshot/src/erofs/erofs-driver.ts",
  "snapshot/src/erofs/erofs-layer-writer.ts",
  "snapshot/src/overlay/overlay-driver.ts",
  "snapshot/src/projects/project-quotas.ts",
  "snapshot/src/recorded/proxy-namespaces.ts",
  "snapshot/src/whole/whole-tree-driver.ts",
];

/** Sources of this checkout that are loaded with one of them, as they are named from `packages` on. */
function loadedWith(source: string): ReadonlySet<string> {
  const sources = new Map(bundle.map(({ name, map }) => [name, sourcesOf(map)]));
  const first = [...sources.keys()].find((name) => sources.get(name)?.includes(source));
  assert.ok(first !== undefined, `${source} is in no part`);
  const parts = new Set([first]);
  for (const name of parts) {
    const text = bundle.find((each) => each.name === name)?.text ?? "";
    for (const [, required = ""] of text.matchAll(/^const \w+ = require\("\.\/([^"]+)"\);$/gm)) parts.add(required);
  }
  return new Set([...parts].flatMap((name) => sources.get(name) ?? []));
}

function sourcesOf(map: string): readonly string[] {
  // Parts that the bundler has made up have no map.
  const { sources = [] } = (JSON.parse(map) ?? {}) as { readonly sources?: readonly string[] };
  return sources.map((path) => relative(join(root, "packages"), join(root, "packages/orlop/dist", path)));
}

describe("the bundle of the command", () => {
  test("loads with images nothing that only others than a start of a container need", () => {
    const loaded = loadedWith("orlop/src/image/open-pulled.ts");
    assert.ok(loaded.has("snapshot/src/store/stored-snapshotter.ts"), [...loaded].join(" "));
    assert.deepEqual(
      NOT_FOR_A_START.filter((source) => loaded.has(source)),
      [],
      "load them when they are needed: await import()",
    );
    const all = new Set(bundle.flatMap(({ map }) => sourcesOf(map)));
    assert.deepEqual(
      NOT_FOR_A_START.filter((source) => !all.has(source)),
      [],
      "name them as they are called now",
    );
  });

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
