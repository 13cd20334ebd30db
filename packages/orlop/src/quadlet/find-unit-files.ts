import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseUnitFile, type UnitFile } from "./unit-file.ts";
import { kindOf } from "./unit-source.ts";

/** Who looks for unit files. */
interface UnitOwner {
  readonly isOfUser: boolean;
  readonly uid: number;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Directories of unit files as podman has them; what is in an earlier one hides its name in the later ones. */
export function unitDirectories({ isOfUser, uid, home, env }: UnitOwner): readonly string[] {
  const { QUADLET_UNIT_DIRS: chosen = "", XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: config } = env;
  if (chosen !== "") return chosen.split(":").filter((path) => path !== "");
  if (!isOfUser) return ["/run", "/etc", "/usr/share"].map((path) => join(path, "containers/systemd"));
  return [
    ...(runtime === undefined ? [] : [join(runtime, "containers/systemd")]),
    join(config ?? join(home, ".config"), "containers/systemd"),
    ...["/etc", "/usr/share"].flatMap((path) => {
      const users = join(path, "containers/systemd/users");
      return [join(users, String(uid)), users];
    }),
  ];
}

/** How deep directories may lie in each other. */
const DEPTH_MAX = 16;
/** Of whom the files below are; they are found through directories of their own. */
const USERS = "users";

/** A unit file that could be read, or what keeps it from that. */
export type FoundUnit = UnitFile | { readonly name: string; readonly error: unknown };

/** Reads all unit files below directories, each with its drop-ins; in the order of their names. */
export function findUnitFiles(directories: readonly string[]): readonly FoundUnit[] {
  const all = directories.filter((path) => existsSync(path)).flatMap((path) => directoriesBelow(realpathSync(path), 0));
  const paths = new Map<string, string>();
  for (const directory of all) {
    for (const name of readdirSync(directory)) {
      if (kindOf(name) !== undefined && !paths.has(name)) paths.set(name, join(directory, name));
    }
  }
  return [...paths]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, path]) => {
      try {
        const texts = [path, ...dropIns(name, all)].map((each) => ({ path: each, text: readFileSync(each, "utf8") }));
        return parseUnitFile(name, path, texts);
      } catch (error) {
        return { name, error };
      }
    });
}

function directoriesBelow(path: string, depth: number): readonly string[] {
  if (depth >= DEPTH_MAX) return [];
  const isDirectory = (entry: Dirent): boolean =>
    entry.isDirectory() ||
    (entry.isSymbolicLink() && statSync(join(path, entry.name), { throwIfNoEntry: false })?.isDirectory() === true);
  const below = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => isDirectory(entry) && !entry.name.endsWith(".d") && !(depth === 0 && entry.name === USERS),
  );
  return [path, ...below.flatMap(({ name }) => directoriesBelow(join(path, name), depth + 1))];
}

/**
 * Files that add to a unit: `container.d/`, `foo-.container.d/`, `foo-bar.container.d/`, those of a template before its
 * instance's. Of one name the most particular counts, and then the one in the earlier directory.
 */
function dropIns(name: string, directories: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const particular of dropInDirectories(name)) {
    for (const directory of directories) {
      const place = join(directory, particular);
      if (!existsSync(place)) continue;
      for (const file of readdirSync(place)) {
        if (file.endsWith(".conf") && !found.has(file)) found.set(file, join(place, file));
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** The most particular first. */
function dropInDirectories(fileName: string): readonly string[] {
  const at = fileName.lastIndexOf(".");
  const [stem, extension] = [fileName.slice(0, at), fileName.slice(at)];
  const [, template] = /^(.*@).+$/.exec(stem) ?? [];
  const dashed = [...(template ?? stem).matchAll(/-/g)].map(({ index }) => stem.slice(0, index + 1)).reverse();
  const stems = [stem, ...(template === undefined ? [] : [template]), ...dashed.filter((each) => each !== stem)];
  return [...stems.map((each) => `${each}${extension}.d`), `${extension.slice(1)}.d`];
}
