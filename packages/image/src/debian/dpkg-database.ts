import type { TarEntry } from "../tar/write-tar.ts";
import { refusedFile } from "./debian-error.ts";
import { databaseName, hasScripts } from "./script-steps.ts";
import type { UnpackedPackage } from "./unpack-packages.ts";

const DATABASE = "var/lib/dpkg";
/** A file of the image that no package has. */
export function fileEntry(path: string, content: string | Buffer, mtime: number, mode = 0o644): TarEntry {
  const bytes = Buffer.from(content as string);
  return { kind: "file", path, mode, mtime, size: bytes.length, content: () => [bytes] };
}

/** What dpkg knows of the packages (dpkg(1), "FILES"), sorted: `installed` where nothing is left to do, else `unpacked`. */
export function dpkgDatabase(packages: readonly UnpackedPackage[], mtime: number): readonly TarEntry[] {
  const sorted = packages.toSorted((a, b) => (a.package.name < b.package.name ? -1 : 1));
  const directory = (path: string): TarEntry => ({
    kind: "directory",
    path: `${DATABASE}/${path}`,
    mode: 0o755,
    mtime,
  });
  const file = (path: string, content: string | Buffer, mode?: number): TarEntry =>
    fileEntry(`${DATABASE}/${path}`, content, mtime, mode);
  return [
    ...["alternatives", "info", "parts", "triggers", "updates"].map(directory),
    file("available", ""),
    file("info/format", "1\n"),
    file("status", sorted.map((each) => `${statusOf(each)}\n`).join("")),
    ...triggersOf(sorted).map(([path, lines]) => file(`triggers/${path}`, lines.join(""))),
    ...sorted.flatMap((each) => infoOf(each).map(([name, content, mode]) => file(`info/${name}`, content, mode))),
  ];
}

function statusOf({ package: { name }, control, conffiles }: UnpackedPackage): string {
  const lines = (control.get("control")?.content.toString() ?? "").trim().split("\n");
  const at = lines.findIndex((line) => /^Package:/i.test(line));
  if (lines[at]?.slice("Package:".length).trim() !== name)
    throw refusedFile(name, "its control file is another package's");
  if (lines.some((line) => line.trim() === "")) throw refusedFile(name, "its control file has an empty line");
  const state = hasScripts(control) ? "unpacked" : "installed";
  const hashes = [...conffiles].map(([path, md5]) => ` ${path} ${md5}`);
  return [
    ...lines.slice(0, at + 1),
    `Status: install ok ${state}`,
    ...lines.slice(at + 1).filter((line) => !/^(?:Status|Conffiles):/i.test(line)),
    ...(hashes.length === 0 ? [] : ["Conffiles:", ...hashes]),
    "",
  ].join("\n");
}

function infoOf({
  package: owner,
  control,
  files,
}: UnpackedPackage): readonly (readonly [name: string, content: string | Buffer, mode: number])[] {
  const base = databaseName(owner);
  const kept = [...control].filter(([file]) => file !== "control").sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    [`${base}.list`, files.map((path) => `${path}\n`).join(""), 0o644],
    ...kept.map(
      ([file, { content, isExecutable }]) => [`${base}.${file}`, content, isExecutable ? 0o755 : 0o644] as const,
    ),
  ];
}

/** Who waits for what (deb-triggers(5)): files by the file `File`, everything else by its name. */
function triggersOf(
  packages: readonly UnpackedPackage[],
): readonly (readonly [path: string, lines: readonly string[]])[] {
  const byFile = new Map<string, string[]>();
  for (const { package: owner, control } of packages) {
    const name = databaseName(owner);
    for (const line of (control.get("triggers")?.content.toString() ?? "").split("\n")) {
      const [, wait = "", trigger = ""] = /^\s*interest(-noawait|-await)?\s+(\S+)\s*$/.exec(line) ?? [];
      if (trigger === "") continue;
      const suffix = wait === "-noawait" ? "/noawait" : "";
      const isFile = trigger.startsWith("/");
      if (!isFile && !/^[A-Za-z0-9][\w.+-]*$/.test(trigger)) throw refusedFile(owner.name, `it waits for ${trigger}`);
      const path = isFile ? "File" : trigger;
      byFile.set(path, [...(byFile.get(path) ?? []), `${isFile ? `${trigger} ` : ""}${name}${suffix}\n`]);
    }
  }
  return [...byFile].sort(([a], [b]) => (a < b ? -1 : 1));
}
