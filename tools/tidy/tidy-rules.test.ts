import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixtureWorkspace } from "../source/fixture-workspace.ts";
import { formatProblem } from "../source/problem.ts";
import { checkTidy } from "./tidy-rules.ts";

function problems(files: Readonly<Record<string, string>>): readonly string[] {
  return checkTidy(fixtureWorkspace(files)).map(formatProblem);
}

const path = "packages/kernel/src/mount.ts";

function linesOfCode(count: number): string {
  return "void 0;\n".repeat(count);
}

/** A function of `count` lines, its first and last included. */
function functionOf(count: number, head = "function long(): void {", tail = "}"): string {
  return `${head}\n${"  void 0;\n".repeat(count - 2)}${tail}\n`;
}

describe("file length", () => {
  test("warns above 300 lines and fails above 500", () => {
    assert.deepEqual(problems({ [path]: linesOfCode(300) }), []);
    assert.deepEqual(problems({ [path]: linesOfCode(301) }), [`${path}: warning: has 301 lines, more than 300`]);
    assert.match(problems({ [path]: linesOfCode(501) }).join(), /mount.ts: has 501 lines, more than 500: split it/);
  });

  test("gives tests 800 lines without a warning", () => {
    assert.deepEqual(problems({ "packages/kernel/src/mount.test.ts": linesOfCode(800) }), []);
    assert.match(problems({ "packages/kernel/src/mount.test.ts": linesOfCode(801) }).join(), /more than 800/);
  });

  test("lets a table or generated file be long when its first line gives the reason", () => {
    assert.deepEqual(problems({ [path]: `// table: system-call numbers\n${linesOfCode(900)}` }), []);
    assert.deepEqual(problems({ [path]: `// generated: from the headers\n${linesOfCode(900)}` }), []);
    assert.match(problems({ [path]: `// table:\n${linesOfCode(900)}` }).join(), /gives no reason/);
    assert.match(problems({ [path]: `${linesOfCode(900)}// table: too late\n` }).join(), /more than 500/);
  });
});

describe("function length", () => {
  test("fails above 80 lines, whatever kind of function", () => {
    assert.deepEqual(problems({ [path]: functionOf(80) }), []);
    assert.match(problems({ [path]: functionOf(81) }).join(), /mount.ts:1: "long" has 81 lines, more than 80/);
    assert.match(problems({ [path]: functionOf(81, "const arrow = (): void => {", "};") }).join(), /"arrow" has 81/);
    const method = `class A {\n${functionOf(81, "  method(): void {", "  }")}}\n`;
    assert.match(problems({ [path]: method }).join(), /mount.ts:2: "method" has 81/);
  });

  test("leaves tables and groups of tests alone, and not tests", () => {
    assert.deepEqual(problems({ [path]: `// table: rows\n${functionOf(200)}` }), []);
    const testPath = "packages/kernel/src/mount.test.ts";
    assert.deepEqual(problems({ [testPath]: functionOf(200, 'describe("a", () => {', "});") }), []);
    assert.match(problems({ [testPath]: functionOf(200, 'test("a", () => {', "});") }).join(), /200 lines/);
    assert.match(problems({ [path]: functionOf(200, 'describe("a", () => {', "});") }).join(), /200 lines/);
  });
});

describe("names", () => {
  for (const word of ["util", "utils", "helper", "helpers", "common", "manager", "impl", "misc"]) {
    test(`refuses "${word}" in a file or folder name`, () => {
      for (const name of [`${word}.ts`, `mount-${word}.ts`, `${word}/mount.ts`, `${word}.test.ts`]) {
        assert.match(
          problems({ [`packages/kernel/src/${name}`]: "" }).join(),
          new RegExp(`"${word}" in .* says nothing`),
        );
      }
    });
  }

  test("refuses what is not kebab-case", () => {
    for (const name of ["mountTable.ts", "Mount.ts", "mount_table.ts", "mount.table.ts", "Net/mount.ts"]) {
      assert.match(problems({ [`packages/kernel/src/${name}`]: "" }).join(), /is not kebab-case/);
    }
  });

  test("accepts kebab-case with the endings that mean something", () => {
    for (const name of ["x86-64.ts", "a-b.test.ts", "a.root.test.ts", "a.rootless.test.ts", "communal.ts"]) {
      assert.deepEqual(problems({ [`packages/kernel/src/${name}`]: "" }), []);
    }
  });
});

describe("syntax", () => {
  test("refuses barrels and default exports", () => {
    assert.match(problems({ [path]: 'export * from "./a.ts";' }).join(), /mount.ts:1: a barrel hides/);
    assert.match(problems({ [path]: 'export * as a from "./a.ts";' }).join(), /a namespace export hides/);
    assert.match(problems({ [path]: "export default 1;" }).join(), /a default export/);
  });

  test("refuses any as a type, not as a word", () => {
    for (const text of ["let a: any;", "const a = 1 as any;", "type A = any[];", "function f(a: any): void {}"]) {
      assert.match(problems({ [path]: text }).join(), /any turns the checker off/);
    }
    assert.deepEqual(problems({ [path]: '// any\nconst any = "any";' }), []);
  });

  test("reports a file that does not parse", () => {
    assert.notDeepEqual(problems({ [path]: "const = ;" }), []);
  });
});

describe("text", () => {
  // Put together here, so that this file does not hold what the check refuses.
  const mark = "TO" + "DO";
  const machinePaths = [...["work", "root"].map((name) => `/${name}/project/x`), "/srv/checkout/x"];

  test("refuses marks of unfinished work in comments, not in strings", () => {
    assert.match(problems({ [path]: `\n// ${mark}: later` }).join(), new RegExp(`mount.ts:2: ${mark}`));
    assert.match(problems({ [path]: "/* FIX" + "ME */" }).join(), /FIXME/);
    assert.deepEqual(problems({ [path]: `const a = "${mark}";` }), []);
  });

  test("refuses paths of one machine in sources and in documents", () => {
    for (const found of machinePaths) {
      assert.match(problems({ [path]: `\nconst a = "${found}";` }).join(), /mount.ts:2: ".*" is a path of one machine/);
      assert.match(problems({ "README.md": `see ${found}` }).join(), /README.md:1: /);
      assert.match(problems({ [path]: `const a = "file://${found}";` }).join(), /is a path of one machine/);
    }
  });

  test("accepts the bare directories, which containers have too, and relative paths", () => {
    for (const text of [
      '"/root"',
      '"/work"',
      '"/home/user/x"',
      '"/srv/x"',
      '"a/work/b"',
      "`$" + "{lower}/work/b`",
      '"./root/b"',
    ]) {
      assert.deepEqual(problems({ [path]: `const a = ${text};` }), []);
    }
  });
});

describe("dead exports", () => {
  const user = "packages/kernel/src/user.ts";

  test("refuses a name that nothing imports", () => {
    for (const text of [
      "export const a = 1;",
      "export function a(): void {}",
      "export class a {}",
      "export interface a {}",
      "export type a = 1;",
      "const b = 1;\nexport { b as a };",
      "export const { b: a } = { b: 1 };",
      "export const [a] = [1];",
    ]) {
      assert.match(problems({ [path]: text }).join(), /"a" is exported and nothing imports it/, text);
    }
  });

  for (const [form, text] of [
    ["an import", 'import { a } from "./mount.ts";'],
    ["an import under another name", 'import { a as b } from "./mount.ts";'],
    ["import type", 'import type { a } from "./mount.ts";'],
    ["import * as", 'import * as mount from "./mount.ts";'],
    ["a dynamic import", 'await import("./mount.ts");'],
    ["an import in a type", 'type A = import("./mount.ts").a;'],
  ] as const) {
    test(`counts ${form} as a use`, () => {
      assert.deepEqual(problems({ [path]: "export const a = 1;", [user]: text }), []);
    });
  }

  test("counts a use by a test and a line in index.ts", () => {
    assert.deepEqual(
      problems({ [path]: "export const a = 1;", "packages/kernel/src/a.test.ts": 'import { a } from "./mount.ts";' }),
      [],
    );
    const index = { "packages/kernel/src/index.ts": 'export { a } from "./mount.ts";' };
    assert.deepEqual(problems({ [path]: "export const a = 1;", ...index }), []);
  });

  test("does not count a use of another name or of another file of the same name", () => {
    const found = problems({
      [path]: "export const a = 1;\nexport const b = 2;",
      [user]: 'import { b } from "./mount.ts";',
    });
    assert.deepEqual(found.length, 1);
    assert.match(found.join(), /"a" is exported/);
    const elsewhere = { "packages/core/src/user.ts": 'import { a } from "./mount.ts";' };
    assert.match(problems({ [path]: "export const a = 1;", ...elsewhere }).join(), /"a" is exported/);
  });

  test("asks for a use of a name that is only passed on", () => {
    const found = problems({ [path]: "export const a = 1;", [user]: 'export { a } from "./mount.ts";' });
    assert.match(found.join(), /user.ts:1: "a" is exported/);
  });
});
