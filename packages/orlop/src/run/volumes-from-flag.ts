import { OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

/** A container whose mounts another one has as well. */
export interface VolumesFrom {
  readonly container: string;
  /** Whatever they are there. */
  readonly readonly: boolean;
}

/** Docker's `--volumes-from CONTAINER[:ro|rw]`, several of them, or with commas between them as podman has it. */
export function readVolumesFrom(flags: ParsedFlags): { readonly volumesFrom?: readonly VolumesFrom[] } {
  const volumesFrom = flags.parseAll("volumes-from", parseVolumesFrom).flat();
  return volumesFrom.length === 0 ? {} : { volumesFrom };
}

function parseVolumesFrom(text: string): readonly VolumesFrom[] {
  const found: VolumesFrom[] = [];
  // What follows a colon are options, and so are those words behind a comma.
  for (const part of text.split(/,(?!(?:ro|rw)(?:,|$))/)) {
    const [container = "", mode = "rw", ...others] = part.split(":");
    if (container === "" || others.length > 0) throw new OrlopError("invalid", "it is CONTAINER[:ro|rw]");
    if (mode !== "ro" && mode !== "rw") throw new OrlopError("invalid", `invalid mode for volumes-from: ${mode}`);
    found.push({ container, readonly: mode === "ro" });
  }
  return found;
}
