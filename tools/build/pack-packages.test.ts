import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contentProblems } from "./pack-packages.ts";
import { publishedManifest } from "./published-manifest.ts";

const complete = ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "src/index.ts", "bin/x"];

describe("the contents of a package", () => {
  test("are dist, src, bin, README, LICENSE and the manifest", () => {
    assert.deepEqual(contentProblems("a", complete), []);
  });

  test("are nothing else", () => {
    for (const extra of ["tsconfig.json", "node_modules/b/index.js", "notes.md", "src/index.test.ts", "distant/x"]) {
      assert.deepEqual(contentProblems("a", [...complete, extra]), [`a must not contain ${extra}`]);
    }
  });

  test("are complete", () => {
    for (const missing of ["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]) {
      const paths = complete.filter((path) => path !== missing);
      assert.deepEqual(contentProblems("a", paths), [`a lacks ${missing}`]);
    }
  });
});

describe("the published manifest", () => {
  test("drops what only a checkout needs and keeps the rest", () => {
    const entry = { source: "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" };
    const published = publishedManifest({
      name: "a",
      version: "1.0.0",
      license: "Apache-2.0",
      exports: { ".": entry, "./b": entry },
      dependencies: { c: "1.0.0" },
      devDependencies: { d: "1.0.0" },
    });
    const { source: _, ...kept } = entry;
    assert.deepEqual(published, {
      name: "a",
      version: "1.0.0",
      license: "Apache-2.0",
      engines: { node: ">=24" },
      exports: { ".": kept, "./b": kept },
      dependencies: { c: "1.0.0" },
    });
  });
});
