import { OrlopError } from "@orlop/core";
import type { Architecture } from "../abi/architecture.ts";
import { elfExecutable } from "./elf.ts";
import { emitX86 } from "./x86-64.ts";

/** The machine's executable for `architecture`: the same bytes every time, below 4 kB. */
export function emitMachine(architecture: Architecture): Buffer {
  if (architecture !== "x86_64") {
    throw new OrlopError("unsupported", `Cannot emit machine "${architecture}": not yet`);
  }
  return elfExecutable(emitX86(), architecture);
}
