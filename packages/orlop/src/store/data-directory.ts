import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";

/** That of this user; see {@link dataDirectory}. */
export function ownDataDirectory(): string {
  const { home, env } = caller();
  return dataDirectory(process.geteuid?.() ?? 0, home, env);
}

/**
 * The directory for what outlives a start of the machine: images and their root file systems. `ORLOP_ROOT` names another
 * than /var/lib/orlop or, of an ordinary user, orlop in `XDG_DATA_HOME`.
 *
 * @throws OrlopError `invalid`
 */
function dataDirectory(uid: number, home: string, env: Readonly<Record<string, string | undefined>>): string {
  const { ORLOP_ROOT: configured, XDG_DATA_HOME: data } = env;
  if (configured !== undefined && configured !== "") {
    if (configured.startsWith("/")) return configured;
    throw new OrlopError("invalid", `Cannot use ORLOP_ROOT "${configured}": it is no absolute path`);
  }
  if (uid === 0) return "/var/lib/orlop";
  return join(data?.startsWith("/") ? data : join(home, ".local/share"), "orlop");
}
