import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { diskSettings, parseSettings } from "../disk/disk-settings.ts";
import { makerObstacle } from "../disk/make-file-system.ts";
import { TRY_FOR_ORDINARY_USERS } from "../for-ordinary-users.ts";
import { DeviceMapper, numberOf } from "./device-mapper.ts";
import type { ThinSettings } from "./thin-disks.ts";

/** In the snapshotter's directory: what it was opened with first. */
export const SETTINGS = "settings.json";

/** What it is opened with; nothing is made. @throws OrlopError `unsupported`, `invalid` */
export function checkDevmapper(name: string, directory: string): ThinSettings {
  const given = parseSettings(name, ["pool", "size", "fs"]);
  if (process.geteuid?.() !== 0) refuse(name, "an ordinary user cannot make block devices", TRY_FOR_ORDINARY_USERS);
  const obstacle = DeviceMapper.obstacle();
  if (obstacle !== undefined) refuse(name, obstacle);
  const settings = settingsOf(name, directory, given);
  if (numberOf(settings.pool) === undefined) {
    refuse(
      name,
      `there is no device "${settings.pool}"`,
      "Try to make it, or start it: a device of the target thin-pool.",
    );
  }
  const maker = makerObstacle(settings.type);
  if (maker !== undefined) refuse(name, maker, "Try to install it.");
  return settings;
}

function settingsOf(name: string, directory: string, given: ReadonlyMap<string, string>): ThinSettings {
  const file = join(directory, SETTINGS);
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ThinSettings) : undefined;
  if (given.size === 0 && known !== undefined) return known;
  const pool = given.get("pool") ?? known?.pool;
  if (pool === undefined) refuse(name, "it has to be told of a thin pool", "Try devmapper:pool=NAME.");
  if (known !== undefined && known.pool !== pool) {
    const what = `snapshots in "${directory}" are in pool "${known.pool}"`;
    throw new OrlopError("invalid", `Cannot use snapshotter "${name}": ${what}`);
  }
  return { ...diskSettings(name, given), pool };
}

function refuse(name: string, what: string, way = "Try erofs, overlay, native or blockfile."): never {
  throw new OrlopError("unsupported", `Cannot use snapshotter "${name}": ${what}\n${way}`);
}
