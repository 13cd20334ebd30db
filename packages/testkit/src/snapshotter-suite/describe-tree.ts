import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";

/** Every path of a tree but the root, sorted, with what is there: `a/ 755`, `a/f 644 text`, `a/l -> f`. */
export function describeTree(root: string): readonly string[] {
  const lines: string[] = [];
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = join(path, name);
      const stat = lstatSync(join(root, below));
      lines.push(describeFile(root, below, stat));
      if (stat.isDirectory()) walk(below);
    }
  };
  walk("");
  return lines;
}

function describeFile(root: string, path: string, stat: Stats): string {
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) return `${path}/ ${mode}`;
  if (stat.isSymbolicLink()) return `${path} -> ${readlinkSync(join(root, path))}`;
  if (stat.isFile()) return `${path} ${mode} ${readFileSync(join(root, path), "utf8")}`;
  return `${path} ${mode} (${(stat.mode >> 12).toString(8)} ${stat.rdev})`;
}
