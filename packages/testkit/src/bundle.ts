import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeSpec } from "@orlop/core";

declare global {
  interface JSON {
    /** A value that is written as exactly this text. In V8 since 2023, and not yet in TypeScript's library. */
    rawJSON(text: string): unknown;
  }
}

/** The text of a config.json; a `bigint` becomes a number with all of its digits. */
export function runtimeSpecText(spec: RuntimeSpec): string {
  return JSON.stringify(
    spec,
    (_, value: unknown) => (typeof value === "bigint" ? JSON.rawJSON(String(value)) : value),
    2,
  );
}

/** Makes an existing directory a bundle. */
export function writeBundle(directory: string, spec: RuntimeSpec): void {
  writeFileSync(join(directory, "config.json"), runtimeSpecText(spec));
}
