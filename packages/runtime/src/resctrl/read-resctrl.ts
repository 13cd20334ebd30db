import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemFailure } from "@orlop/kernel";
import type { ResctrlGroup } from "./plan-resctrl.ts";

/** What a container's group may have, and what its tasks use, by the names of the kernel's files (resctrl.rst). */
export interface ResctrlStats {
  readonly schemata: readonly string[];
  /** Of each domain, what can be counted there and now: `llc_occupancy`, `mbm_total_bytes`. */
  readonly domains: readonly Readonly<Record<string, bigint>>[];
}

export function readResctrl({ path, monitored = path }: ResctrlGroup): ResctrlStats {
  try {
    const schemata = readFileSync(join(path, "schemata"), "utf8").split("\n");
    return {
      schemata: schemata.map((line) => line.trim()).filter((line) => line !== ""),
      domains: readDomains(join(monitored, "mon_data")),
    };
  } catch (error) {
    throw systemFailure(`read group "${path}"`, error);
  }
}

function readDomains(directory: string): ResctrlStats["domains"] {
  let names: readonly string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    // The processor cannot count.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.map((name) => Object.fromEntries(readCounters(join(directory, name))));
}

/** Without those that say that nobody counts at the moment: `Unavailable`, `Unassigned`, `Error`. */
function readCounters(directory: string): readonly (readonly [string, bigint])[] {
  return readdirSync(directory).flatMap((name) => {
    const text = readFileSync(join(directory, name), "utf8").trim();
    return /^\d+$/.test(text) ? [[name, BigInt(text)] as const] : [];
  });
}
