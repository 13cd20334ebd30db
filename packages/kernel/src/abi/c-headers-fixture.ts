import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether the compiler and the headers are there (Debian: gcc, libc6-dev). */
export function hasCompiler(): boolean {
  return spawnSync("gcc", ["-x", "c", "-fsyntax-only", "-"], { input: "#include <linux/types.h>\n" }).status === 0;
}

/**
 * What C makes of integer expressions after these includes and a declaration, by the expression. Those that use a name the headers do
 * not have (older headers than the table) are left out.
 */
export function evaluateC(
  includes: readonly string[],
  expressions: readonly string[],
  declaration = "",
): ReadonlyMap<string, bigint> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-headers-"));
  try {
    const [source, program] = [join(directory, "values.c"), join(directory, "values")];
    const options = ["stdio.h", "stddef.h", ...includes].flatMap((name) => ["-include", name]);
    let known = expressions;
    for (;;) {
      writeFileSync(source, sourceText(declaration, known));
      const { status, stderr } = spawnSync("gcc", ["-D_GNU_SOURCE", ...options, "-o", program, source], {
        encoding: "utf8",
      });
      if (status === 0) break;
      const missing = new Set(
        [...stderr.matchAll(/values\.c:(\d+):/g)].map((found) => known[Number(found[1]) - FIRST_LINE]),
      );
      const left = known.filter((expression) => !missing.has(expression));
      if (left.length === known.length) throw new Error(`the headers cannot be compiled: ${stderr}`);
      known = left;
    }
    const values = execFileSync(program, { encoding: "utf8" }).trim().split("\n");
    return new Map(known.map((expression, index) => [expression, BigInt(values[index] ?? "")]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Line of the first expression in {@link sourceText}: a line each, so that messages say which. */
const FIRST_LINE = 3;

function sourceText(declaration: string, expressions: readonly string[]): string {
  return [
    declaration,
    "int main(void) {",
    ...expressions.map((expression) => `printf("%lld\\n", (long long)(${expression}));`),
    "return 0; }",
    "",
  ].join("\n");
}
