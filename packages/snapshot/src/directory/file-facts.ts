import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";

/** What Node cannot read of a directory: kept beside it. Paths without any are left out. */
export interface FileFacts {
  /** Directories that hide what the layers below have in them. */
  readonly opaque: ReadonlySet<string>;
  readonly xattrs: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
}

export const NO_FACTS: FileFacts = { opaque: new Set(), xattrs: new Map() };

interface Stored {
  readonly opaque: readonly string[];
  readonly xattrs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function writeFileFacts(path: string, { opaque, xattrs }: FileFacts): Promise<void> {
  const stored: Stored = {
    opaque: [...opaque],
    xattrs: Object.fromEntries(
      [...xattrs].map(([file, own]) => [
        file,
        Object.fromEntries([...own].map(([name, value]) => [name, value.toString("base64")])),
      ]),
    ),
  };
  await writeFile(path, JSON.stringify(stored), { flush: true });
}

export function readFileFacts(path: string): FileFacts {
  const { opaque, xattrs } = JSON.parse(readFileSync(path, "utf8")) as Stored;
  return {
    opaque: new Set(opaque),
    xattrs: new Map(
      Object.entries(xattrs).map(([file, own]) => [
        file,
        new Map(Object.entries(own).map(([name, value]) => [name, Buffer.from(value, "base64")])),
      ]),
    ),
  };
}
