import { OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

export type StreamName = "stdin" | "stdout" | "stderr";

/** Docker's `--attach`: as it has it, what is interactive is connected with standard input as well. @throws OrlopError `invalid` */
export function readAttach(flags: ParsedFlags): { readonly attach?: ReadonlySet<StreamName> } {
  const named = flags.parseAll("attach", parseStream);
  if (named.length === 0) return {};
  if (flags.isOn("detach")) {
    throw new OrlopError("invalid", "conflicting options: cannot specify both --attach and --detach");
  }
  return { attach: new Set([...named, ...(flags.isOn("interactive") ? (["stdin"] as const) : [])]) };
}

function parseStream(text: string): StreamName {
  const name = text.toLowerCase();
  if (name === "stdin" || name === "stdout" || name === "stderr") return name;
  throw new OrlopError("invalid", "valid streams are STDIN, STDOUT and STDERR");
}
