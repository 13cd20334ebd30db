import { fstatSync, readlinkSync, type Stats } from "node:fs";
import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import type { RootDirectory } from "@orlop/snapshot/root-directory";

/** As many links as the kernel follows: path_resolution(7). */
const LINKS_MAX = 40;

/** A path in a tree, as somebody has written it: what is behind it says whether a directory or its content is meant. */
export interface TreePlace {
  readonly root: RootDirectory;
  /** Absolute in the tree, without anything behind it. */
  readonly path: string;
  /** It was written with `/` or `/.` at its end. */
  readonly meansDirectory: boolean;
  /** It was written with `/.` at its end. */
  readonly meansContent: boolean;
  /** For messages. */
  readonly missing: string;
}

export function treePlace(root: RootDirectory, text: string, missing: string): TreePlace {
  const path = posix.normalize(`/${text}`).replace(/\/$/, "") || "/";
  const meansContent = /(?:^|\/)\.$/.test(text);
  return { root, path, meansDirectory: meansContent || text.endsWith("/"), meansContent, missing };
}

/** Undefined where nothing is. */
export function statPlace({ root, path }: TreePlace, followsLast: boolean): Stats | undefined {
  try {
    using found = root.find(path, { followsLast });
    return fstatSync(found.fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Where the links at the end of a path lead, which need not be there. The path may go through links and `..`. */
export function followLast(place: TreePlace): TreePlace {
  let { path } = place;
  for (let links = 0; statPlace({ ...place, path }, false)?.isSymbolicLink() === true; links++) {
    if (links === LINKS_MAX) throw new OrlopError("invalid", `Cannot follow "${place.path}": it has too many links`);
    using parent = place.root.find(posix.dirname(path));
    const target = readlinkSync(`${parent.path}/${posix.basename(path)}`);
    path = target.startsWith("/") ? target : `${posix.dirname(path)}/${target}`;
  }
  return { ...place, path };
}
