import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixtureWorkspace } from "../source/fixture-workspace.ts";
import type { Workspace } from "../source/workspace.ts";
import { checkLayers } from "./layer-rules.ts";

function messages(path: string, text: string): readonly string[] {
  return checkLayers(fixtureWorkspace({ [path]: text })).map(({ message }) => message);
}

function onlyMessage(path: string, text: string): string {
  const found = messages(path, text);
  assert.equal(found.length, 1, `expected one problem, found: ${found.join("; ") || "none"}`);
  return found[0] ?? "";
}

const kernelFile = "packages/kernel/src/mount.ts";

describe("layer check", () => {
  test("accepts imports that go down and are in the manifest", () => {
    assert.deepEqual(messages(kernelFile, 'import { A } from "@orlop/core"; import fs from "node:fs"; A(fs);'), []);
    assert.deepEqual(messages("packages/orlop/src/run.ts", 'import { A } from "@orlop/runtime"; A();'), []);
  });

  test("accepts the fixture's own manifests", () => {
    assert.deepEqual(checkLayers(fixtureWorkspace({})), []);
  });

  test("refuses an import that goes up", () => {
    assert.match(onlyMessage(kernelFile, 'import { A } from "@orlop/runtime"; A();'), /it stands above/);
  });

  for (const [form, text] of [
    ["import type", 'import type { A } from "@orlop/runtime"; export type B = A;'],
    ["a re-export", 'export { A } from "@orlop/runtime";'],
    ["a star re-export", 'export * from "@orlop/runtime";'],
    ["a dynamic import", 'export const a = (): unknown => import("@orlop/runtime");'],
    ["a dynamic import of a template", "export const a = (): unknown => import(`@orlop/runtime`);"],
    ["typeof import", 'export type A = typeof import("@orlop/runtime");'],
    ["an import in a type", 'export type A = import("@orlop/runtime").B.C;'],
    ["a side effect", 'import "@orlop/runtime";'],
    ["require", 'require("@orlop/runtime");'],
    ["require.resolve", 'require.resolve("@orlop/runtime");'],
    ["import.meta.resolve", 'import.meta.resolve("@orlop/runtime");'],
    ["import equals", 'import a = require("@orlop/runtime");'],
  ] as const) {
    test(`sees ${form}`, () => {
      assert.match(onlyMessage(kernelFile, text), /imports "@orlop\/runtime": it stands above/);
    });
  }

  test("refuses an import between packages of one row", () => {
    const workspace = fixtureWorkspace({ "packages/cri/src/server.ts": 'import { A } from "@orlop/docker"; A();' });
    const extra = ["cri", "docker"].map((name) => ({
      directory: `packages/${name}`,
      manifest: {
        name: `@orlop/${name}`,
        version: "1.0.0",
        exports: { ".": { source: "./src/index.ts" } },
        dependencies: {},
        devDependencies: {},
      },
    }));
    const problems = checkLayers({ ...workspace, packages: [...workspace.packages, ...extra] });
    assert.match(problems[0]?.message ?? "", /both stand in the row "@orlop\/cri, @orlop\/docker, @orlop\/containerd"/);
  });

  test("refuses an import that the manifest does not name, and says where to name it", () => {
    const message = onlyMessage("packages/snapshot/src/a.ts", 'import { A } from "@orlop/kernel"; A();');
    assert.match(message, /"dependencies" in packages\/snapshot\/package.json does not name/);
  });

  test("refuses a third-party import that the manifest does not name", () => {
    assert.match(onlyMessage(kernelFile, 'import { a } from "left-pad/sub"; a();'), /imports "left-pad"/);
  });

  test("refuses a file of another package, by relative path or past its exports", () => {
    assert.match(onlyMessage(kernelFile, 'import { A } from "../../core/src/a.ts"; A();'), /outside packages\/kernel/);
    assert.match(onlyMessage("tools/x.ts", 'import { A } from "../packages/core/src/a.ts"; A();'), /outside tools/);
    assert.match(onlyMessage(kernelFile, 'import { A } from "@orlop/core/src/a.ts"; A();'), /does not export/);
    assert.deepEqual(messages(kernelFile, 'import { A } from "./a.ts"; import { B } from "../src/b.ts"; A(B);'), []);
  });

  test("refuses an absolute path", () => {
    assert.match(onlyMessage(kernelFile, 'import { A } from "/srv/a.ts"; A();'), /absolute path/);
  });

  test("refuses a computed import in a package and allows it in a test", () => {
    const text = "export const load = (name: string): unknown => import(name);";
    assert.match(onlyMessage(kernelFile, text), /computed name/);
    assert.deepEqual(messages("packages/kernel/src/mount.test.ts", text), []);
  });

  test("takes a function of one's own that is called require for what it is", () => {
    assert.deepEqual(messages(kernelFile, "const require = (a: number): number => a; require(1); require(2 + 3);"), []);
  });

  test("lets only tests import testkit", () => {
    const text = 'import { suite } from "@orlop/testkit"; suite();';
    assert.match(onlyMessage(kernelFile, text), /only by tests/);
    assert.deepEqual(messages("packages/kernel/src/mount.test.ts", text), []);
    assert.deepEqual(messages("packages/kernel/src/mount.root.test.ts", text), []);
  });

  test("keeps testkit to core and kernel", () => {
    assert.match(
      onlyMessage("packages/testkit/src/suite.ts", 'import { A } from "@orlop/runtime"; A();'),
      /testkit imports only @orlop\/core and @orlop\/kernel/,
    );
  });

  test("lets a test use nothing from above either", () => {
    assert.match(onlyMessage("packages/kernel/src/a.test.ts", 'import { A } from "@orlop/runtime"; A();'), /above/);
  });

  test("lets only orlop name implementations", () => {
    const fromEngine = messages("packages/engine/src/a.ts", 'import { A } from "@orlop/snapshot"; A();');
    assert.match(fromEngine.join(), /only orlop names implementations/);
    const oneOfThem = 'import { A } from "@orlop/runtime/one"; A();';
    assert.deepEqual(messages("packages/orlop/src/a.ts", oneOfThem), []);
    assert.deepEqual(messages("packages/runtime/src/a.ts", oneOfThem), []);
  });

  test("keeps the folder of one implementation from those above it", () => {
    const workspace = fixtureWorkspace({ "packages/vm/src/a.ts": 'import { A } from "@orlop/runtime/one"; A();' });
    const vm = {
      directory: "packages/vm",
      manifest: {
        name: "@orlop/vm",
        version: "1.0.0",
        exports: {},
        dependencies: { "@orlop/runtime": "1.0.0" },
        devDependencies: {},
      },
    };
    const found = checkLayers({ ...workspace, packages: [...workspace.packages, vm] }).map(({ message }) => message);
    assert.deepEqual(found, ['imports "@orlop/runtime/one": only orlop names implementations']);
  });

  test("keeps core free of I/O, its tests not", () => {
    for (const name of ["node:fs", "node:net", "node:child_process", "node:http", "node:fs/promises"]) {
      assert.match(onlyMessage("packages/core/src/a.ts", `import "${name}";`), /does no I\/O/);
    }
    assert.deepEqual(messages("packages/core/src/a.ts", 'import "node:path"; import "node:assert/strict";'), []);
    assert.deepEqual(messages("packages/core/src/a.test.ts", 'import "node:fs";'), []);
  });

  test("asks for the node: prefix", () => {
    assert.match(onlyMessage(kernelFile, 'import "fs";'), /write "node:fs"/);
  });

  test("reads the manifests too", () => {
    const workspace = fixtureWorkspace({});
    const packages = workspace.packages.map((each) =>
      each.manifest.name === "@orlop/kernel"
        ? {
            ...each,
            manifest: {
              ...each.manifest,
              version: "0.9.0",
              dependencies: { "@orlop/core": "^1.0.0", "@orlop/runtime": "1.0.0" },
            },
          }
        : each,
    );
    const found = checkLayers({ ...workspace, packages } satisfies Workspace).map(({ message }) => message);
    assert.equal(found.length, 3);
    assert.match(found.join("\n"), /version is "0.9.0"/);
    assert.match(found.join("\n"), /lockstep, write "1.0.0"/);
    assert.match(found.join("\n"), /depends on "@orlop\/runtime": it stands above/);
  });

  test("names the file and the line", () => {
    const [problem] = checkLayers(fixtureWorkspace({ [kernelFile]: '\n\nimport "@orlop/runtime";\n' }));
    assert.equal(problem?.path, kernelFile);
    assert.equal(problem?.line, 3);
  });
});
