import { posix } from "node:path";
import type { Problem } from "../source/problem.ts";
import type { Workspace } from "../source/workspace.ts";

/** Maps what an import may say (`@orlop/core`, `@orlop/snapshot/erofs`) to the source file behind it. */
function packageEntries(workspace: Workspace): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const { directory, manifest } of workspace.packages) {
    for (const [subpath, conditions] of Object.entries(manifest.exports)) {
      const { source } = conditions;
      if (source === undefined) continue;
      entries.set(posix.join(manifest.name, subpath), posix.join(directory, source));
    }
  }
  return entries;
}

/** For every file, the names that some other file imports from it. */
function usedNames(workspace: Workspace, entries: ReadonlyMap<string, string>): Map<string, Set<string> | "all"> {
  const used = new Map<string, Set<string> | "all">();
  for (const module of workspace.modules) {
    for (const { specifier, names } of module.imports) {
      if (specifier === undefined) continue;
      const relative = specifier.startsWith(".");
      const target = relative ? posix.join(posix.dirname(module.path), specifier) : entries.get(specifier);
      if (target === undefined) continue;
      const before = used.get(target) ?? new Set<string>();
      used.set(target, before === "all" || names === "all" ? "all" : before.union(new Set(names)));
    }
  }
  return used;
}

/**
 * Fails a name that is exported and that no other file (tests included) imports.
 *
 * What a package's entry files export is its interface and always alive. A file that is imported whole
 * (`import * as`, `import()`) counts as used whole.
 */
export function deadExportProblems(workspace: Workspace): readonly Problem[] {
  const entries = packageEntries(workspace);
  const entryPaths = new Set(entries.values());
  const used = usedNames(workspace, entries);
  return workspace.modules.flatMap((module) => {
    const names = used.get(module.path) ?? new Set<string>();
    if (names === "all" || entryPaths.has(module.path)) return [];
    return module.exports
      .filter(({ name }) => !names.has(name))
      .map(({ name, start }): Problem => {
        const message = `"${name}" is exported and nothing imports it: drop the export, or list it in index.ts`;
        return { path: module.path, line: module.lineAt(start), message, severity: "error" };
      });
  });
}
