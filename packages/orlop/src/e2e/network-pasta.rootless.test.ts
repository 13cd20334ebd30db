import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A machine where pasta is installed, and slirp4netns is not.
const directory = mkdtempSync(join(tmpdir(), "orlop-path-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const place of (process.env.PATH ?? "").split(":")) {
  for (const name of readIfThere(place)) {
    if (name !== "slirp4netns") linkUnlessThere(join(place, name), join(directory, name));
  }
}
process.env.PATH = directory;
await import("./network-suite-fixture.ts");

function readIfThere(place: string): readonly string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}

/** Of two with one name, the first one counts. */
function linkUnlessThere(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
