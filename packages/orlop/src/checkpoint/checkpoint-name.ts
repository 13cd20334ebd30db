import { resolve } from "node:path";
import { caller } from "../caller/caller.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** Which checkpoint a call means, with docker's flag for where it is. */
export function checkpointName(
  flags: ParsedFlags,
  name: string | undefined,
): { readonly name?: string; readonly directory?: string } {
  const directory = flags.text("checkpoint-dir");
  return {
    ...(name === undefined ? {} : { name }),
    ...(directory === undefined ? {} : { directory: resolve(caller().path(directory)) }),
  };
}
