import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { busyboxObstacle } from "@orlop/testkit";

/** The command that clients are given in place of runc. */
export function orlopOciCommand(): string {
  return join(import.meta.dirname, "../../bin/orlop-oci");
}

/** Why the client cannot be tried here; undefined when it can. For `t.skip`. */
export function clientObstacle(programs: Readonly<Record<string, string>>): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = Object.entries({ unshare: "util-linux", ip: "iproute2", ...programs }).find(
    ([program]) => !isInstalled(program),
  );
  if (missing === undefined) return busyboxObstacle();
  return `needs ${missing[0]} (Debian: apt-get install --no-install-recommends ${missing[1]})`;
}

/** @param program a name, or the path of any file */
function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
