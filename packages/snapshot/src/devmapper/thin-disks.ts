import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { DiskMount } from "@orlop/kernel";
import type { DiskKeeper } from "../disk/disk-keeper.ts";
import type { DiskSettings, DiskType } from "../disk/disk-settings.ts";
import { checkDiskSize, makeFileSystem } from "../disk/make-file-system.ts";
import { type OpenDisk, openDisk } from "../disk/open-disk.ts";
import { isLeftPassing, passingName } from "../store/passing-name.ts";
import { removeTree } from "../store/remove-tree.ts";
import { writeDurably } from "../store/write-durably.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { DeviceMapper, deviceNames, devicePath, isUsable, numberOf, SECTOR } from "./device-mapper.ts";

export interface ThinSettings extends DiskSettings {
  /** Name of a device whose target is `thin-pool`. */
  readonly pool: string;
}

/** In the directory of a snapshot: which thin device it has, written before that is made; */
const DEVICE = "device.json";
/** of a view: the name of the device that shows its parent. */
const VIEW = "view";

/** Of thin devices in a pool (Documentation/admin-guide/device-mapper/thin-provisioning.rst): 24 bits. */
const ID_MAX = 1 << 24;
/** What is mounted elsewhere may be about to go. */
const ATTEMPTS_MAX = 200;
const PAUSE_MS = 10;

interface ThinDevice {
  readonly pool: string;
  readonly id: number;
  readonly sizeBytes: number;
  readonly type: DiskType;
}

/** Each disk a thin device of a pool, which shares with the one that it was made of what neither has changed. */
export class ThinDisks implements DiskKeeper {
  readonly name = "devmapper";
  readonly #system: SystemCalls;
  readonly #mapper: DeviceMapper;
  readonly #settings: ThinSettings;

  constructor(system: SystemCalls, settings: ThinSettings) {
    this.#system = system;
    this.#mapper = new DeviceMapper(system);
    this.#settings = settings;
  }

  checkLimit(): void {}

  async make(directory: string, sizeBytes: number = this.#settings.sizeBytes): Promise<void> {
    const { type } = this.#settings;
    checkDiskSize(directory, type, sizeBytes);
    if (existsSync(join(directory, DEVICE))) await this.#removeDevice(directory);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    await this.#claim(
      directory,
      { sizeBytes: Math.ceil(sizeBytes / SECTOR) * SECTOR, type },
      (id) => `create_thin ${id}`,
    );
    await this.#activate(directory);
    await makeFileSystem(this.#system, { ...this.mount(directory, false), type }, sizeBytes);
  }

  async copy(from: string, directory: string): Promise<void> {
    const { id: origin, sizeBytes, type } = readDevice(from);
    mkdirSync(directory, { mode: 0o711 });
    await this.#claim(directory, { sizeBytes, type }, (id) => `create_snap ${id} ${origin}`);
    await this.#activate(directory);
  }

  isUsual(directory: string): boolean {
    const { type, sizeBytes } = readDevice(directory);
    return type === this.#settings.type && sizeBytes === this.#settings.sizeBytes;
  }

  mount(directory: string, readonly: boolean): DiskMount & { readonly type: DiskType } {
    const device = readDevice(directory);
    return mountOf(device, deviceName(device), readonly);
  }

  view(directory: string, parent: string): DiskMount {
    const device = readDevice(parent);
    return mountOf(device, `${deviceName(device)}-${basename(directory)}`, true);
  }

  /** After the machine was started anew there are no devices. */
  async show(directory: string, parent: string | undefined): Promise<void> {
    if (parent === undefined) return await this.#activate(directory);
    const name = basename(this.view(directory, parent).source);
    if (isUsable(name)) return;
    await writeDurably(join(directory, VIEW), name);
    await this.#mapper.create(name, { ...thinTarget(readDevice(parent)), readonly: true });
  }

  async open(directory: string, readonly: boolean): Promise<OpenDisk> {
    if (!readonly) {
      await this.#activate(directory);
      return await openDisk(this.#system, this.mount(directory, false));
    }
    // Of this process alone: no other decides when it goes.
    const device = readDevice(directory);
    const name = `${deviceName(device)}-${passingName()}`;
    await this.#mapper.create(name, { ...thinTarget(device), readonly: true });
    try {
      return await openDisk(this.#system, mountOf(device, name, true));
    } finally {
      await this.#mapper.remove(name, { deferred: true });
    }
  }

  async seal(directory: string): Promise<void> {
    const { source } = this.mount(directory, false);
    await this.#system.run(`make "${source}" durable`, (p) => {
      const device = p.slot("device");
      p.call("openat", [p.flags("AT_FDCWD"), p.text(source), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: device });
      p.call("fsync", [device]);
    });
    if (await this.#deactivate(basename(source))) return;
    throw new OrlopError("conflict", `Cannot commit snapshot in "${directory}": it is mounted`);
  }

  async remove(directory: string): Promise<void> {
    const view = join(directory, VIEW);
    if (existsSync(view)) {
      const name = readFileSync(view, "utf8");
      // What somebody has mounted still goes with that.
      if (name !== "") await this.#mapper.remove(name, { deferred: true });
    }
    // Where it is mounted, the directory stays, which says what is to be removed when nobody needs it.
    if (existsSync(join(directory, DEVICE)) && !(await this.#removeDevice(directory))) return;
    await removeTree(directory);
  }

  /** Removes devices by which processes that are gone have looked into disks. */
  async cleanup(): Promise<void> {
    const ours = `orlop-${this.#settings.pool}-`;
    for (const name of deviceNames()) {
      if (!name.startsWith(ours)) continue;
      const [, passing = ""] = /^\d+-(.*)$/.exec(name.slice(ours.length)) ?? [];
      if (isLeftPassing(passing)) await this.#mapper.remove(name, { deferred: true });
    }
  }

  /** A new thin device; what the directory says of it is there before, so that whoever finds the directory can remove it. */
  async #claim(directory: string, { sizeBytes, type }: DiskSettings, message: (id: number) => string): Promise<void> {
    const { pool } = this.#settings;
    for (;;) {
      const id = freeId(dirname(directory));
      const device: ThinDevice = { pool, id, sizeBytes, type };
      await writeDurably(join(directory, DEVICE), JSON.stringify(device));
      try {
        return await this.#mapper.message(pool, message(id));
      } catch (error) {
        // It is not ours, and nobody may find that it were.
        rmSync(join(directory, DEVICE), { force: true });
        if (!(error instanceof OrlopError) || error.errno !== "EEXIST") throw error;
      }
    }
  }

  async #activate(directory: string): Promise<void> {
    const device = readDevice(directory);
    const name = deviceName(device);
    if (isUsable(name)) return;
    await this.#mapper.create(name, thinTarget(device));
  }

  /** False where it is in use. */
  async #deactivate(name: string): Promise<boolean> {
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      try {
        await this.#mapper.remove(name);
        return true;
      } catch (error) {
        if (!(error instanceof OrlopError) || error.errno !== "EBUSY") throw error;
        await sleep(PAUSE_MS);
      }
    }
    return false;
  }

  /** False where it is in use. */
  async #removeDevice(directory: string): Promise<boolean> {
    const device = readDevice(directory);
    if (!(await this.#deactivate(deviceName(device)))) return false;
    try {
      await this.#mapper.message(device.pool, `delete ${device.id}`);
    } catch (error) {
      if (!(error instanceof OrlopError) || !["ENODATA", "EBUSY"].includes(error.errno ?? "")) throw error;
      if (error.errno === "EBUSY") return false;
    }
    rmSync(join(directory, DEVICE));
    return true;
  }
}

function thinTarget({ pool, id, sizeBytes }: ThinDevice): { type: string; sectors: number; parameters: string } {
  const number = numberOf(pool);
  if (number === undefined)
    throw new OrlopError("unsupported", `Cannot use thin device ${id}: there is no pool "${pool}"`);
  return { type: "thin", sectors: sizeBytes / SECTOR, parameters: `${number} ${id}` };
}

function deviceName({ pool, id }: ThinDevice): string {
  return `orlop-${pool}-${id}`;
}

/** The kernel would write all inode tables of ext4 otherwise, which takes room in the pool. */
function mountOf({ type }: ThinDevice, name: string, readonly: boolean): DiskMount & { readonly type: DiskType } {
  const options = type === "xfs" ? ["nouuid"] : ["noinit_itable"];
  return { type, source: devicePath(name), loop: false, readonly, options };
}

function readDevice(directory: string): ThinDevice {
  try {
    return JSON.parse(readFileSync(join(directory, DEVICE), "utf8")) as ThinDevice;
  } catch (error) {
    throw new OrlopError("not-found", `Cannot use snapshot in "${directory}": its device is not known`, {
      cause: error,
    });
  }
}

/** One that no snapshot beside has, also none of which only the directory is left. */
function freeId(directory: string): number {
  const taken = new Set(
    readdirSync(directory).flatMap((name) => {
      const file = join(directory, name, DEVICE);
      return existsSync(file) ? [(JSON.parse(readFileSync(file, "utf8")) as ThinDevice).id] : [];
    }),
  );
  for (;;) {
    const id = randomInt(ID_MAX);
    if (!taken.has(id)) return id;
  }
}
