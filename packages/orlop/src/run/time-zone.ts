import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mount, OrlopError } from "@orlop/core";

const ZONES = "/usr/share/zoneinfo";
const LOCAL = "/etc/localtime";

/**
 * The mount of a container's /etc/localtime: a copy of this machine's data of a time zone, so that the image needs none.
 *
 * @param zone as tzset(3) names it, or `local`
 * @throws OrlopError `not-found`
 */
export function timeZoneFile(directory: string, zone: string): Mount {
  const source = join(directory, "localtime");
  writeFileSync(source, readZone(zone), { mode: 0o644 });
  return {
    destination: LOCAL,
    type: "bind",
    source,
    options: ["bind", "ro", "rprivate", "nosuid", "nodev", "noexec"],
  };
}

/** What each file of tzfile(5) begins with. */
const MAGIC = "TZif";

function readZone(zone: string): Buffer {
  const path = zone === "local" ? LOCAL : join(ZONES, zone);
  try {
    const data = readFileSync(path);
    if (data.subarray(0, MAGIC.length).toString("latin1") === MAGIC) return data;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "ENOTDIR") throw cause;
  }
  const way = zone === "local" ? "Try --tz UTC." : `Try a name below ${ZONES}, of the package tzdata.`;
  throw new OrlopError("not-found", `Cannot use time zone "${zone}": this machine does not know it\n${way}`);
}
