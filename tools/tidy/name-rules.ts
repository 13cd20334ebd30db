import type { Problem } from "../source/problem.ts";
import type { SourceModule } from "../source/source-module.ts";

/** Words that name no content. */
const emptyWords: ReadonlySet<string> = new Set([
  "util",
  "utils",
  "helper",
  "helpers",
  "common",
  "manager",
  "impl",
  "misc",
]);

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const fileName = /^(?<stem>.+?)(\.(root|rootless|long))?(\.(test|fuzz|d))?\.ts$/;

/** Checks the names of a module's file and of the folders it is in. */
export function nameProblems({ path }: SourceModule): readonly Problem[] {
  const parts = path.split("/");
  const stem = fileName.exec(parts.pop() ?? "")?.groups?.stem ?? "";
  return [...parts, stem].flatMap((name): readonly Problem[] => {
    if (!kebabCase.test(name)) return [{ path, message: `"${name}" is not kebab-case`, severity: "error" }];
    const word = name.split("-").find((each) => emptyWords.has(each));
    if (word === undefined) return [];
    const message = `"${word}" in "${name}" says nothing: name the file for what it exports`;
    return [{ path, message, severity: "error" }];
  });
}
