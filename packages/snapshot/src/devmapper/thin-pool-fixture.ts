import { execFileSync } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "@orlop/testkit";
import { SystemCalls } from "../system/system-calls.ts";
import { DeviceMapper, deviceNames, SECTOR } from "./device-mapper.ts";

const MEBIBYTE = 1024 * 1024;
const METADATA_BYTES = 16 * MEBIBYTE;
const DATA_BYTES = 2048 * MEBIBYTE;
/** Of data, by 64 KiB, which a pool gives at once. */
const BLOCK_SECTORS = 128;

/** A pool of this test's own, in files. */
export interface ThinPool extends AsyncDisposable {
  readonly name: string;
  /** Devices of the pool that are there. */
  devices(): readonly string[];
}

/** Why there can be none here. */
export function thinPoolObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    execFileSync("modprobe", ["-q", "dm-thin-pool"], { stdio: "ignore" });
  } catch {
    // It may be built in.
  }
  return DeviceMapper.obstacle() ?? (hasThinPools() ? undefined : "this kernel has no thin pools");
}

function hasThinPools(): boolean {
  return /dm_thin_pool|dm-thin-pool/.test(readFileSync("/proc/modules", "utf8")) || hasBuiltIn();
}

function hasBuiltIn(): boolean {
  const release = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  try {
    return readFileSync(`/lib/modules/${release}/modules.builtin`, "utf8").includes("dm-thin-pool");
  } catch {
    return false;
  }
}

export async function makeThinPool(): Promise<ThinPool> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(temporaryDirectory("orlop-pool-", "/var/tmp"));
  const mapper = new DeviceMapper(stack.use(new SystemCalls()));
  const [metadata, data] = (["metadata", "data"] as const).map((file) => {
    const place = join(path, file);
    writeFileSync(place, "");
    truncateSync(place, file === "data" ? DATA_BYTES : METADATA_BYTES);
    const device = execFileSync("losetup", ["--find", "--show", place], { encoding: "utf8" }).trim();
    stack.defer(() => void execFileSync("losetup", ["--detach", device]));
    return device;
  });
  const name = basename(path);
  const parameters = `${metadata} ${data} ${BLOCK_SECTORS} 0`;
  await mapper.create(name, { type: "thin-pool", sectors: DATA_BYTES / SECTOR, parameters });
  const devices = (): readonly string[] => deviceNames().filter((each) => each.startsWith(`orlop-${name}-`));
  stack.defer(async () => {
    // A test that has failed leaves its own.
    for (const device of devices()) await mapper.remove(device);
    await mapper.remove(name);
  });
  const all = stack.move();
  return { name, devices, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Whether the pool has a thin device: it can be asked for a snapshot of it. */
export async function hasThinDevice(mapper: DeviceMapper, pool: string, id: number): Promise<boolean> {
  const probe = (1 << 24) - 1;
  try {
    await mapper.message(pool, `create_snap ${probe} ${id}`);
  } catch (error) {
    if (error instanceof OrlopError) return false;
    throw error;
  }
  await mapper.message(pool, `delete ${probe}`);
  return true;
}
