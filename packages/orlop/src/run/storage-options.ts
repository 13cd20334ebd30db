import { OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { parseByteSize } from "./byte-size.ts";

/**
 * `size=BYTES`, a limit on what is written to the root file system; of several the last one counts.
 *
 * @throws OrlopError
 */
export function readStorageOptions(flags: ParsedFlags): { readonly storageSizeMaxBytes?: number } {
  const size = flags.parseAll("storage-opt", parseSize).at(-1);
  return size === undefined ? {} : { storageSizeMaxBytes: size };
}

function parseSize(text: string): number {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name !== "size") throw new OrlopError("unsupported", `there is no option "${name}", only size`);
  if (equals < 0) throw new OrlopError("invalid", "it is size=BYTES");
  const bytes = parseByteSize(text.slice(equals + 1));
  if (bytes > 0) return bytes;
  throw new OrlopError("invalid", "a size is more than nothing; leave it out for no limit");
}
