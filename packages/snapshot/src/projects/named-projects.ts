import { readFileSync } from "node:fs";

/** projid(5) and projects(5): a name and a number in each line, or a number and a directory. */
const FILES: readonly string[] = ["/etc/projid", "/etc/projects"];

/** Numbers of projects that are the administrator's, whether or not anything is in them. */
export function namedProjects(files: readonly string[] = FILES): ReadonlySet<number> {
  const lines = files.flatMap((file) => readIfThere(file).split("\n"));
  const numbers = lines.flatMap((line) => /^(?!#)(?:[^:]*:)?(\d+)(?::|\s*$)/.exec(line)?.[1] ?? []);
  return new Set(numbers.map(Number));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
