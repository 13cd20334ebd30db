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
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) {
    throw refusedEntry(path.slice(0, 100), `its path is longer than ${PATH_MAX_BYTES} bytes`);
  }
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refusedEntry(path, "its path leaves the layer");
  const long = parts.find((part) => Buffer.byteLength(part) > NAME_MAX_BYTES);
  if (long !== undefined) throw refusedEntry(path.slice(0, 100), `a name in it is longer than ${NAME_MAX_BYTES} bytes`);
  const name = parts.pop();
  return { parents: parts, name };
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
  return new OrlopError("invalid", `Cannot unpack "${path}": ${what}`);
}
