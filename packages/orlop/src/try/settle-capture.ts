import { createInterface } from "node:readline/promises";
import { OrlopError } from "@orlop/core";
import type { Conflict } from "@orlop/snapshot";
import { caller } from "../caller/caller.ts";
import { type Capture, openWrites } from "./capture.ts";

/** So many conflicts are named. */
const CONFLICTS_MAX = 10;

/**
 * Writes what is captured to this machine's files.
 *
 * @throws OrlopError `conflict`, before anything is written, where these have changed meanwhile, unless it `overwrites` them
 */
export async function commitCapture(
  capture: Capture,
  { overwrites = false }: { readonly overwrites?: boolean } = {},
): Promise<void> {
  using writes = openWrites(capture);
  const conflicts = overwrites ? [] : await writes.conflicts(capture.sinceNs);
  if (conflicts.length > 0) throw new OrlopError("conflict", `Cannot commit the changes:\n${conflictLines(conflicts)}`);
  await writes.apply(capture.sinceNs);
}

function conflictLines(conflicts: readonly Conflict[]): string {
  const named = conflicts.slice(0, CONFLICTS_MAX).map(({ path, what }) => `  ${path} ${what}`);
  const more = conflicts.length - named.length;
  return [...named, ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}

/** Whether whoever sits at the terminal answers y. */
export async function isWanted(question: string): Promise<boolean> {
  const { stdin, stderr } = caller();
  const lines = createInterface({ input: stdin, output: stderr });
  const closed = new AbortController();
  for (const event of ["SIGINT", "close"]) lines.once(event, () => closed.abort());
  try {
    return (await lines.question(question, { signal: closed.signal })).trim().toLowerCase() === "y";
  } catch (error) {
    if (!closed.signal.aborted) throw error;
    stderr.write("\n");
    return false;
  } finally {
    lines.close();
  }
}
