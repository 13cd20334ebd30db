import type { Problem } from "../source/problem.ts";
import type { SourceModule } from "../source/source-module.ts";

/** What is not done is an issue or a refusal by name; a mark in the code is neither. */
const unfinishedMark = /\b(TODO|FIXME|XXX|HACK)\b/;

/**
 * A path below root's home or below the usual working directory of a build machine. The bare directories are fine
 * and so are homes: containers have them too.
 */
const machinePath = /(?<![\w.~)}\]-])\/(?:work|root)\/[\w.-]+/;

/** Fails comments that mark unfinished work. */
export function unfinishedProblems(module: SourceModule): readonly Problem[] {
  return module.syntax.comments.flatMap((comment): readonly Problem[] => {
    const mark = unfinishedMark.exec(comment.text)?.[0];
    if (mark === undefined) return [];
    const message = `${mark}: finish it, or refuse the case by name and open an issue`;
    return [{ path: module.path, line: module.lineAt(comment.start), message, severity: "error" }];
  });
}

/**
 * Fails paths that exist only on the writer's machine, in any kind of text file. `ownPaths` are those known to be
 * such: where the checkout is, and the caller's home.
 */
export function machinePathProblems(path: string, text: string, ownPaths: readonly string[]): readonly Problem[] {
  return text.split("\n").flatMap((line, index): readonly Problem[] => {
    const found = machinePath.exec(line)?.[0] ?? ownPaths.find((own) => line.includes(own));
    if (found === undefined) return [];
    return [{ path, line: index + 1, message: `"${found}" is a path of one machine`, severity: "error" }];
  });
}
