import { type ModuleExport, moduleExports } from "./module-exports.ts";
import { type ModuleImport, moduleImports } from "./module-imports.ts";
import { parseSyntax, type Syntax } from "./syntax.ts";

/** One TypeScript file, parsed once and read by every check. */
export interface SourceModule {
  /** Path from the root of the checkout. */
  readonly path: string;
  readonly text: string;
  readonly syntax: Syntax;
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
  readonly lineCount: number;
  /** True for tests (`x.test.ts`, `x.root.test.ts`, `x.rootless.test.ts`) and what only they import (`x-fixture.ts`). */
  readonly isTest: boolean;
  /** The line (from 1) that a character offset is on. */
  lineAt(offset: number): number;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** Parses a file's text into what the checks need. */
export function sourceModule(path: string, text: string): SourceModule {
  const syntax = parseSyntax(path, text);
  const starts = lineStarts(text);
  return {
    path,
    text,
    syntax,
    imports: moduleImports(syntax.program),
    exports: moduleExports(syntax.program),
    lineCount: text.endsWith("\n") ? starts.length - 1 : starts.length,
    isTest: path.endsWith(".test.ts") || path.endsWith("-fixture.ts") || path.includes("/fixtures/"),
    lineAt: (offset) => {
      const after = starts.findIndex((start) => start > offset);
      return after === -1 ? starts.length : after;
    },
  };
}
