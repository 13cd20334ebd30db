import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { LayerEntry } from "@orlop/core";
import { parseLayerPath, parseWhiteout } from "@orlop/image";
import { type UpperOptions, upperEntries } from "../directory/upper-entries.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** A directory of this machine, and what was written over it. */
export interface CapturedPart {
  /** Absolute; nobody has written to it by way of the capture. */
  readonly below: string;
  /** The upper directory of an overlay, or with `given` a directory that was written to itself. */
  readonly upper: string;
  /** Paths in `upper` that were there before. */
  readonly given?: readonly string[];
}

export interface CapturedEntry {
  /** From the part's directory; empty for that itself. */
  readonly path: string;
  /** What is there; absent: nothing any more. */
  readonly entry?: LayerEntry;
  /** Of what was below the directory nothing is to be seen. */
  readonly hidesBelow: boolean;
  /** It has been copied from what was below. */
  readonly isCopied: boolean;
}

export interface CapturedOptions {
  readonly system: SystemCalls;
  /** Path of a file that is not there. */
  readonly scratch: string;
}

/** What has been written to a part: directories before what is in them. The content of an entry is to be read before the next. */
export async function* capturedEntries(part: CapturedPart, options: CapturedOptions): AsyncGenerator<CapturedEntry> {
  // What hides a directory's content comes right behind the directory.
  let held: CapturedEntry | undefined;
  const copied = new Set<string>();
  for await (const entry of layerEntries(part, { ...options, copied })) {
    const { parents, name = "" } = parseLayerPath(entry.path);
    const whiteout = parseWhiteout(name, entry.path);
    if (whiteout?.kind === "opaque" && held !== undefined) {
      yield { ...held, hidesBelow: true };
      held = undefined;
      continue;
    }
    if (held !== undefined) yield held;
    held = undefined;
    if (whiteout?.kind === "hides")
      yield { path: [...parents, whiteout.name].join("/"), hidesBelow: false, isCopied: false };
    else if (whiteout === undefined) {
      const path = [...parents, name].join("/");
      const found = { path, entry, hidesBelow: false, isCopied: path === "" || copied.has(path) };
      if (entry.kind === "directory") held = found;
      else yield found;
    }
  }
  if (held !== undefined) yield held;
}

/** The same as the entries of a layer. */
export async function* layerEntries(
  { upper, given }: CapturedPart,
  { system, scratch, copied }: CapturedOptions & Pick<UpperOptions, "copied">,
): AsyncGenerator<LayerEntry> {
  const known = new Set(["", ...(given ?? [])]);
  const ownIsRoot = process.geteuid?.() !== 0;
  for await (const entry of upperEntries(upper, { system, scratch, ownIsRoot, copied: copied ?? new Set() })) {
    // A part's own directory is made for the capture where its owner is somebody else.
    const path = entry.path.replace(/^\.\/|\/?\.wh\.\.wh\.\.opq$/g, "");
    if (given === undefined ? !(ownIsRoot && path === "") : !known.has(path)) yield entry;
  }
  for (const path of given ?? []) {
    if (lstatSync(join(upper, path), { throwIfNoEntry: false }) === undefined) yield whiteoutOf(path);
  }
}

function whiteoutOf(path: string): LayerEntry {
  const { parents, name = "" } = parseLayerPath(path);
  return {
    kind: "file",
    path: [...parents, `.wh.${name}`].join("/"),
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNanoseconds: 0,
    target: "",
    size: 0,
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
    contentAt: 0,
    content: async function* () {},
  };
}
