import type { LayerEntry } from "@orlop/core";

/** Of an entry what matters; a path that ends with a slash is a directory's. */
export interface SuiteEntry extends Partial<Omit<LayerEntry, "path" | "content" | "size" | "contentAt">> {
  readonly path: string;
  readonly text?: string;
}

/** 2001-02-03 04:05:06 */
const SOME_TIME = 981_173_106;

/** A layer of these entries. */
export async function* layerEntries(entries: readonly SuiteEntry[]): AsyncGenerator<LayerEntry> {
  for (const { text = "", ...entry } of entries) {
    const content = Buffer.from(text);
    const isDirectory = entry.path.endsWith("/");
    yield {
      kind: isDirectory ? "directory" : "file",
      mode: isDirectory ? 0o755 : 0o644,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      mtime: SOME_TIME,
      mtimeNanoseconds: 0,
      target: "",
      device: { major: 0, minor: 0 },
      xattrs: new Map(),
      ...entry,
      size: content.length,
      contentAt: undefined,
      async *content() {
        if (content.length > 0) yield content;
      },
    };
  }
}
