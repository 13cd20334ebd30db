import { watch } from "node:fs";
import { join } from "node:path";

/** The directories with this process's code, which may be replaced under it. */
function ownCode(): readonly string[] {
  if (!import.meta.filename.endsWith(".ts")) return [import.meta.dirname];
  const packages = join(import.meta.dirname, "../../../..");
  return ["core", "kernel", "runtime"].map((name) => join(packages, name, "src"));
}

/** Tells a process that stays that another version of it may be there. It keeps no process alive. */
export function watchOwnCode(onChange: () => void): void {
  for (const directory of ownCode()) {
    try {
      watch(directory, { recursive: directory !== import.meta.dirname }, onChange)
        .on("error", onChange)
        .unref();
    } catch {
      // No more watches are to be had: what is new comes with the next such process.
    }
  }
}
