import { rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LinuxIntelRdt, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { ResctrlGroup } from "./plan-resctrl.ts";

export type SchemataChange = Pick<LinuxIntelRdt, "l3CacheSchema" | "memBwSchema">;

/** Changes what a container's group may have. Throws `unsupported` for a container without one. */
export function changeSchemata(
  group: ResctrlGroup | undefined,
  { l3CacheSchema, memBwSchema }: SchemataChange = {},
): void {
  const lines = [l3CacheSchema, memBwSchema].filter((line) => line !== undefined);
  if (lines.length === 0) return;
  if (group === undefined) {
    throw new OrlopError("unsupported", 'Cannot change schemata: the container was made without "linux.intelRdt"');
  }
  for (const line of lines) {
    const path = join(group.path, "schemata");
    try {
      writeFileSync(path, `${line}\n`, { flag: "r+" });
    } catch (error) {
      throw systemFailure(`write "${line}" to "${path}"`, error);
    }
  }
}

/** Tasks that there are still become tasks of the group above. */
export function removeResctrl(group: ResctrlGroup | undefined): void {
  for (const path of group?.remove ?? []) {
    try {
      rmdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw systemFailure(`remove group "${path}"`, error);
    }
  }
}
