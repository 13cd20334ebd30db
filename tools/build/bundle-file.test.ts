import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInThisContext } from "node:vm";
import { bundleFile, bundleMap } from "./bundle-file.ts";

const part = (name: string, text: string) => ({ name, text, map: `{"version":3,"sources":["${name}"]}` });
const bundle = [part("first.js", "exports.a = 1;\nexports.b = 2;\n"), part("second.js", "exports.c = `\n`;")];

interface Record {
  readonly build: string;
  readonly parts: readonly (readonly [name: string, offset: number, bytes: number, lines: number])[];
  readonly inputs: readonly unknown[];
}

function recordOf(file: string): Record {
  const bytes = Number(file.slice(-8));
  return JSON.parse(file.slice(-8 - bytes, -8)) as Record;
}

describe("the file of a bundle", () => {
  test("is an expression with a function for each part, whose lines the map knows", () => {
    const file = bundleFile(bundle);
    const functions = runInThisContext(file) as { readonly [name: string]: (exports: object) => void };
    const run = (name: string): object => {
      const exports = {};
      functions[name]?.(exports);
      return exports;
    };
    assert.deepEqual(run("first.js"), { a: 1, b: 2 });
    assert.deepEqual(run("second.js"), { c: "\n" });
    const lines = file.split("\n");
    const { sections } = JSON.parse(bundleMap(bundle)) as {
      readonly sections: readonly { readonly offset: { readonly line: number }; readonly map: { sources: string[] } }[];
    };
    assert.deepEqual(
      sections.map(({ offset, map }) => [lines[offset.line], ...map.sources]),
      [
        ["exports.a = 1;", "first.js"],
        ["exports.c = `", "second.js"],
      ],
    );
  });

  test("says where its parts are", () => {
    const file = bundleFile(bundle);
    const { parts } = recordOf(file);
    assert.deepEqual(
      parts.map(([name]) => name),
      ["first.js", "second.js"],
    );
    for (const [name, offset, bytes, lines] of parts) {
      const text = file.slice(offset, offset + bytes);
      assert.ok(text.startsWith(`"${name}": function (`) && text.endsWith("\n},\n"), text);
      assert.equal(text.split("\n").length - 1, lines);
    }
  });

  test("tells one text from another, and which files it was made of", () => {
    const inputs = [["src/é.ts", 1, 2.5]] as const;
    const { build } = recordOf(bundleFile(bundle));
    assert.deepEqual(recordOf(bundleFile(bundle, inputs)), { ...recordOf(bundleFile(bundle)), inputs });
    assert.notEqual(recordOf(bundleFile([part("first.js", "b();")])).build, build);
    assert.match(bundleFile(bundle, inputs), /^[\0-\x7f]*$/);
  });
});
