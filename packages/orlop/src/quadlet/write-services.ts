import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { MadeService } from "./make-services.ts";
import { WRITTEN_MARK } from "./service-unit.ts";
import { entriesOf } from "./unit-file.ts";

/** Directories of links that each key of [Install] asks for. */
const WANTS = { WantedBy: "wants", RequiredBy: "requires", UpheldBy: "upholds" } as const;

/** Writes services, with the links that enable them, and removes what was written here before. */
export function writeServices(directory: string, services: readonly MadeService[]): void {
  mkdirSync(directory, { recursive: true });
  removeWritten(directory);
  for (const { name, text } of services) writeFileSync(join(directory, name), text);
  for (const service of services) {
    for (const link of linksOf(service)) {
      const path = join(directory, link);
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      symlinkSync(relative(dirname(path), join(directory, service.name)), path);
    }
  }
}

/** Relative to the directory. */
function linksOf({ source: { unit }, name, instance }: MadeService): readonly string[] {
  const words = (key: string): readonly string[] =>
    entriesOf(unit, "Install", key).flatMap(({ value }) => value.split(/\s+/));
  const isTemplate = /@\.service$/.test(name) && instance === undefined;
  if (isTemplate) return [];
  const asked = Object.entries(WANTS).flatMap(([key, kind]) =>
    words(key).map((target) => join(`${basename(target)}.${kind}`, instance ?? name)),
  );
  return [...asked, ...words("Alias").map((alias) => basename(alias))];
}

/** What somebody else has put there stays. */
function removeWritten(directory: string): void {
  const names = readdirSync(directory);
  const written = names.filter((name) => name.endsWith(".service") && isWritten(join(directory, name)));
  const places = names.filter((name) => /\.(wants|requires|upholds)$/.test(name)).map((name) => join(directory, name));
  for (const place of [directory, ...places]) {
    for (const entry of readdirSync(place, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) continue;
      const target = basename(readlinkSync(join(place, entry.name)));
      const isOurs = written.some((name) => name === target || name === target.replace(/@.*\.service$/, "@.service"));
      if (isOurs) rmSync(join(place, entry.name));
    }
  }
  for (const name of written) rmSync(join(directory, name), { force: true });
}

function isWritten(path: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8").startsWith(WRITTEN_MARK);
}
