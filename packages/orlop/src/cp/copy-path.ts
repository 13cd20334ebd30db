import { isAbsolute } from "node:path";

/** One side of a copy. */
export interface CopyPath {
  /** Absent: it is on this machine. */
  readonly container?: string;
  readonly path: string;
  /** `-`: an archive on standard input or output. */
  readonly isStream: boolean;
}

/** `CONTAINER:PATH`, or a path of this machine: one with a colon in it begins with `/` or `.`. */
export function parseCopyPath(text: string): CopyPath {
  const colon = text.indexOf(":");
  if (isAbsolute(text) || colon < 0 || text.startsWith(".")) return { path: text, isStream: text === "-" };
  return { container: text.slice(0, colon), path: text.slice(colon + 1), isStream: false };
}
