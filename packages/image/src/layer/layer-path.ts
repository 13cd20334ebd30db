import { OrlopError } from "@orlop/core";

/** limits.h, PATH_MAX and NAME_MAX. */
const PATH_MAX_BYTES = 4096;
const NAME_MAX_BYTES = 255;

/** image-spec, layer.md, "Whiteouts". */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

export interface LayerPath {
  /** Names of the directories that it lies in, from the root on. */
  readonly parents: readonly string[];
  /** Missing for the root itself. */
  readonly name: string | undefined;
}

/** Takes the path of an entry apart. Throws `invalid` for one that leaves the layer, or that no file can have. */
export function parseLayerPath(path: string): LayerPath {
  if (path.includes("\0")) throw refusedEntry(path, "its name has a zero byte");
  if (path.includes("\ufffd")) throw refusedEntry(path, "its name is not UTF-8");
  if (path.length * UTF8_MAX_BYTES > PATH_MAX_BYTES && Buffer.byteLength(path) > PATH_MAX_BYTES) {
    throw refusedEntry(path.slice(0, 100), `its path is longer than ${PATH_MAX_BYTES} bytes`);
  }
  let parts = path.split("/");
  let hasEmpty = false;
  for (const part of parts) {
    if (part === "" || part === ".") hasEmpty = true;
    else if (part === "..") throw refusedEntry(path, "its path leaves the layer");
    else if (part.length * UTF8_MAX_BYTES > NAME_MAX_BYTES && Buffer.byteLength(part) > NAME_MAX_BYTES) {
      throw refusedEntry(path.slice(0, 100), `a name in it is longer than ${NAME_MAX_BYTES} bytes`);
    }
  }
  if (hasEmpty) parts = parts.filter((part) => part !== "" && part !== ".");
  const name = parts.pop();
  return { parents: parts, name: name === undefined ? undefined : alone(name) };
}

/** Of one unit of a string. */
const UTF8_MAX_BYTES = 3;
/** From so many units on V8 makes part of a string a view of the whole, which stays as long as that. */
const VIEW_MIN_LENGTH = 13;
const NAME = Buffer.alloc(NAME_MAX_BYTES);

/** The same string, without the path that it was part of: names stay in memory, by the million. */
function alone(name: string): string {
  return name.length < VIEW_MIN_LENGTH ? name : NAME.toString("utf8", 0, NAME.write(name));
}

/** What an entry of this name says of the layers below, where it does. */
export type Whiteout =
  /** Everything in its directory is hidden. */
  | { readonly kind: "opaque" }
  /** This name is. */
  | { readonly kind: "hides"; readonly name: string }
  /** Notes that aufs made for itself. */
  | { readonly kind: "none" };

/** Throws `invalid` for a whiteout of nothing. `path` is for the error. */
export function parseWhiteout(name: string, path: string): Whiteout | undefined {
  if (!name.startsWith(WHITEOUT)) return undefined;
  if (name === OPAQUE) return { kind: "opaque" };
  if (name.startsWith(`${WHITEOUT}${WHITEOUT}`)) return { kind: "none" };
  const hidden = name.slice(WHITEOUT.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw refusedEntry(path, "its whiteout names no entry");
  return { kind: "hides", name: hidden };
}

export function refusedEntry(path: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot unpack "${path}": ${what}`, { operation: "unpack layer" });
}
