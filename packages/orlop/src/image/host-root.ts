import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { RootFilesystem, TreeEntry } from "@orlop/core";

export function hostRoot(privileged: boolean): RootFilesystem {
  if (privileged) return { kind: "overlay", lower: ["/"], writes: "discard" };
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  const entries: TreeEntry[] = [];
  for (const name of readdirSync("/")) {
    const path = `/${name}`;
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) entries.push({ kind: "symlink", path: name, target: readlinkSync(path) });
    else if (["proc", "sys", "dev", "run"].includes(name)) entries.push({ kind: "directory", path: name, mode: 0o755 });
    else if (stat.isDirectory()) {
      const locked = mounts.some((mount) => mount.startsWith(`${path}/`));
      if (locked) entries.push({ kind: "bind", path: name, source: path, file: false });
      else entries.push({ kind: "overlay", path: name, lower: path });
    } else if (stat.isFile()) entries.push({ kind: "bind", path: name, source: path, file: true });
  }
  return { kind: "tree", entries };
}
