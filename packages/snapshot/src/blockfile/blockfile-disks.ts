import { constants, existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { DiskMount } from "@orlop/kernel";
import type { DiskKeeper } from "../disk/disk-keeper.ts";
import { DISK_TYPES, type DiskSettings, type DiskType } from "../disk/disk-settings.ts";
import { checkDiskSize, diskOptions, makeFileSystem } from "../disk/make-file-system.ts";
import { type OpenDisk, openDisk } from "../disk/open-disk.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { copySparseFile } from "./copy-sparse-file.ts";

export interface BlockfileSettings extends DiskSettings {
  /** A file with an empty file system, which is copied instead of making one. */
  readonly scratch?: string;
}

const LOCK = "lock the disk";
/** The kernel lets a device go a little after the last that had it. */
const ATTEMPTS_MAX = 400;
const PAUSE_MS = 5;

/** Each disk a file, whose blocks are shared with that of which it was made where the file system can (XFS, btrfs). */
export class BlockfileDisks implements DiskKeeper {
  readonly name = "blockfile";
  readonly #system: SystemCalls;
  readonly #settings: BlockfileSettings;

  constructor(system: SystemCalls, settings: BlockfileSettings) {
    this.#system = system;
    this.#settings = settings;
  }

  checkLimit(): void {
    if (this.#settings.scratch === undefined) return;
    throw new OrlopError(
      "unsupported",
      "Cannot limit snapshot: its file system is a copy of a scratch file, and as large",
    );
  }

  async make(directory: string, sizeBytes?: number): Promise<void> {
    const { type, scratch } = this.#settings;
    const path = join(directory, fileName(type));
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    rmSync(path, { force: true });
    if (scratch !== undefined) return await copyDisk(this.#system, scratch, path);
    const bytes = sizeBytes ?? this.#settings.sizeBytes;
    checkDiskSize(path, type, bytes);
    writeFileSync(path, "", { mode: 0o600, flag: "wx" });
    truncateSync(path, bytes);
    await makeFileSystem(this.#system, { ...this.mount(directory, false), type }, bytes);
  }

  async copy(from: string, directory: string): Promise<void> {
    const name = fileName(typeOf(from));
    mkdirSync(directory, { mode: 0o711 });
    await copyDisk(this.#system, join(from, name), join(directory, name));
  }

  isUsual(directory: string): boolean {
    const { type, scratch, sizeBytes } = this.#settings;
    const size = scratch === undefined ? sizeBytes : statSync(scratch).size;
    return typeOf(directory) === type && statSync(join(directory, fileName(type))).size === size;
  }

  mount(directory: string, readonly: boolean): DiskMount & { readonly type: DiskType } {
    const type = typeOf(directory);
    return { type, source: join(directory, fileName(type)), loop: true, readonly, options: diskOptions(type) };
  }

  view(_directory: string, parent: string): DiskMount {
    return this.mount(parent, true);
  }

  async open(directory: string, readonly: boolean): Promise<OpenDisk> {
    return await openDisk(this.#system, this.mount(directory, readonly));
  }

  async seal(directory: string): Promise<void> {
    const { source } = this.mount(directory, false);
    for (let attempts = 0; ; attempts++) {
      try {
        return await this.#makeDurable(source);
      } catch (error) {
        if (!(error instanceof OrlopError) || error.operation !== LOCK) throw error;
        if (attempts < ATTEMPTS_MAX) await sleep(PAUSE_MS);
        else
          throw new OrlopError("conflict", `Cannot commit snapshot in "${directory}": it is mounted`, { cause: error });
      }
    }
  }

  /** Fails with the operation {@link LOCK} as long as the file is a device: see `emitLoopDevice`. */
  async #makeDurable(source: string): Promise<void> {
    await this.#system.run(`open "${source}"`, (p) => {
      const file = p.slot("file");
      p.call("openat", [p.flags("AT_FDCWD"), p.text(source), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: file });
      p.step({ action: LOCK });
      p.call("flock", [file, p.flags("LOCK_EX|LOCK_NB")]);
      p.step({ action: `make "${source}" durable` });
      p.call("fsync", [file]);
    });
  }

  async remove(directory: string): Promise<void> {
    await removeTree(directory);
  }
}

function fileName(type: DiskType): string {
  return `disk.${type}`;
}

function typeOf(directory: string): DiskType {
  const type = DISK_TYPES.find((each) => existsSync(join(directory, fileName(each))));
  if (type !== undefined) return type;
  throw new OrlopError("not-found", `Cannot use snapshot in "${directory}": its disk is not there`);
}

async function copyDisk(system: SystemCalls, from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE).catch(async () => {
    rmSync(to, { force: true });
    await copySparseFile(system, from, to);
  });
}
