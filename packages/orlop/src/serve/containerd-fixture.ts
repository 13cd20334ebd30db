import assert from "node:assert/strict";
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

/** Debian's names of what the test calls. */
const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  containerd: "containerd",
  ctr: "containerd",
  "containerd-shim-runc-v2": "containerd",
  runc: "runc",
};

/** Why containerd cannot be tried here; undefined when it can. For `skip`. */
export function containerdObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = Object.entries(PACKAGES).find(([program]) => !isInstalled(program));
  return missing && `needs ${missing[0]} (Debian: apt-get install --no-install-recommends ${missing[1]})`;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The configuration of containerd in docs/snapshotters.md. */
export function documentedConfiguration(): string {
  const text = readFileSync(join(import.meta.dirname, "../../../../docs/snapshotters.md"), "utf8");
  return text.split("\n```toml\n")[1]?.split("```")[0] ?? assert.fail("docs/snapshotters.md has no configuration");
}
