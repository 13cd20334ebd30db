import { type BigIntStats, fstatSync, lstatSync, readdirSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { OpenPlace, RootDirectory } from "./root-directory.ts";

export interface FoundFile {
  /** Below the directory; empty for the directory itself. */
  readonly path: string;
  readonly stat: BigIntStats;
}

/**
 * Everything in it, the directory itself first, as the empty path; what is gone meanwhile not.
 *
 * @throws OrlopError `unsupported` for a name that is not UTF-8
 */
export function listUpper(root: RootDirectory): readonly FoundFile[] {
  const found: FoundFile[] = [];
  const walk = (place: OpenPlace, path: string): void => {
    found.push({ path, stat: fstatSync(place.fd, { bigint: true }) });
    for (const name of readdirSync(place.path).sort(byBytes)) {
      const below = path === "" ? name : `${path}/${name}`;
      using child = place.openSubdirectory(name);
      if (child !== undefined) {
        walk(child, below);
        continue;
      }
      const stat = lstatSync(`${place.path}/${name}`, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined && name.includes("\ufffd")) throw notText(below);
      // Layers have no sockets, and nobody listens at this one any more.
      if (stat !== undefined && !stat.isSocket()) found.push({ path: below, stat });
    }
  };
  using top = root.open();
  walk(top, "");
  return found;
}

function notText(path: string): OrlopError {
  return new OrlopError("unsupported", `Cannot read ${JSON.stringify(path)}: its name is not UTF-8`);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
