import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type ConstantName, DM_IOCTL, DM_TARGET_SPEC, type ProgramBuilder } from "@orlop/kernel";
import type { SystemCalls } from "../system/system-calls.ts";

/** Of the kernel's interface, the oldest that has all of this (Linux 3.13). */
const VERSION = [4, 27, 0] as const;
/** Of one command with what it is about. */
const COMMAND_BYTES = 4096;
/** Of a device, with the NUL behind it (DM_NAME_LEN). */
const NAME_MAX_BYTES = 128;
/** struct dm_target_msg: a sector, which no target cares for, before the text. */
const SECTOR_BYTES = 8;
export const SECTOR: number = 512;
const CONTROL = "/dev/mapper/control";
const PLACES = "/dev/mapper";

/** What a device is made of: one target over all of it. */
interface Target {
  readonly type: string;
  readonly sectors: number;
  readonly parameters: string;
  readonly readonly?: boolean;
}

interface Command {
  readonly name: string;
  readonly flags?: readonly ("DM_READONLY_FLAG" | "DM_DEFERRED_REMOVE")[];
  readonly targets?: number;
  readonly data?: Buffer;
}

/** Device mapper by its ioctls (include/uapi/linux/dm-ioctl.h). All of these need root. */
export class DeviceMapper {
  readonly #system: SystemCalls;

  constructor(system: SystemCalls) {
    this.#system = system;
  }

  /** Why there is none; undefined where there is. */
  static obstacle(): string | undefined {
    try {
      // A file of that name alone says nothing: whoever opens it also has the kernel load its module.
      closeSync(openSync(CONTROL, "r"));
      return undefined;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      const isAbsent = ["ENOENT", "ENODEV", "ENXIO"].includes(code);
      return isAbsent ? `this kernel has no device mapper (${CONTROL})` : `${CONTROL} cannot be opened: ${code}`;
    }
  }

  /** Says something to a device's target. @throws OrlopError with the errno of the target */
  async message(name: string, text: string): Promise<void> {
    const data = Buffer.concat([Buffer.alloc(SECTOR_BYTES), Buffer.from(`${text}\0`)]);
    await this.#run(`tell device "${name}" to ${text}`, [["DM_TARGET_MSG", { name, data }]]);
  }

  /**
   * Makes a device, of which nothing is left where its target is refused. One that somebody has begun to make, and was
   * killed over, is finished.
   */
  async create(name: string, target: Target): Promise<void> {
    const flags = target.readonly === true ? (["DM_READONLY_FLAG"] as const) : [];
    if (numberOf(name) === undefined) await this.#begin(name);
    try {
      await this.#run(`make device "${name}" of target "${target.type}"`, [
        ["DM_TABLE_LOAD", { name, flags, targets: 1, data: encodeTarget(target) }],
        // Without the flag that it is named for, it begins to work.
        ["DM_DEV_SUSPEND", { name, flags }],
      ]);
      linkDevice(name);
    } catch (error) {
      await this.remove(name);
      throw error;
    }
  }

  /**
   * Removes a device, if it is there: at once or, `deferred`, when the last that has it open lets it go.
   *
   * @throws OrlopError with errno `EBUSY`
   */
  async remove(name: string, { deferred = false }: { readonly deferred?: boolean } = {}): Promise<void> {
    const flags = deferred ? (["DM_DEFERRED_REMOVE"] as const) : [];
    try {
      await this.#run(`remove device "${name}"`, [["DM_DEV_REMOVE", { name, flags }]]);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.errno !== "ENXIO") throw error;
    }
    // udev does it where it runs.
    if (numberOf(name) === undefined) rmSync(devicePath(name), { force: true });
  }

  async #begin(name: string): Promise<void> {
    try {
      await this.#run(`make device "${name}"`, [["DM_DEV_CREATE", { name }]]);
    } catch (error) {
      // Somebody else has, meanwhile: a target that is loaded twice is the same.
      if (!(error instanceof OrlopError) || error.errno !== "EBUSY") throw error;
    }
  }

  async #run(action: string, commands: readonly (readonly [ConstantName, Command])[]): Promise<void> {
    await this.#system.run(action, (p) => {
      const control = p.slot("control");
      p.call("openat", [p.flags("AT_FDCWD"), p.text(CONTROL), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: control });
      for (const [command, about] of commands) {
        p.call("ioctl", [control, p.flags(command), p.bytes(encodeCommand(p, about), `{${about.name}}`)]);
      }
    });
  }
}

/** Where a device is, once it has been made. */
export function devicePath(name: string): string {
  return join(PLACES, name);
}

/** Names of all devices. */
export function deviceNames(): readonly string[] {
  return devices().map(({ name }) => name);
}

/** `254:3` of the device of a name; undefined where there is none. */
export function numberOf(name: string): string | undefined {
  return devices().find((each) => each.name === name)?.number;
}

/** Whether a device can be opened by its path; one that somebody was killed over has no target, or no path. */
export function isUsable(name: string): boolean {
  const found = devices().find((each) => each.name === name);
  return (
    found !== undefined &&
    existsSync(devicePath(name)) &&
    Number(readFileSync(join("/sys/block", found.device, "size"), "utf8")) > 0
  );
}

function devices(): readonly { readonly device: string; readonly name: string; readonly number: string }[] {
  return readdirSync("/sys/block").flatMap((device) => {
    if (!device.startsWith("dm-")) return [];
    try {
      const name = readFileSync(join("/sys/block", device, "dm/name"), "utf8").trim();
      return [{ device, name, number: readFileSync(join("/sys/block", device, "dev"), "utf8").trim() }];
    } catch {
      // It is gone meanwhile.
      return [];
    }
  });
}

/** As udev does where it runs, which is a little later. */
function linkDevice(name: string): void {
  const found = devices().find((each) => each.name === name);
  if (found === undefined) throw new OrlopError("failed", `Cannot find device "${name}": sysfs does not show it`);
  try {
    symlinkSync(`../${found.device}`, devicePath(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function encodeCommand(p: ProgramBuilder, { name, flags = [], targets = 0, data = Buffer.alloc(0) }: Command): Buffer {
  if (Buffer.byteLength(name) >= NAME_MAX_BYTES || DM_IOCTL.size + data.length > COMMAND_BYTES) {
    throw new OrlopError("invalid", `Cannot use device "${name}": its name or its target is too long`);
  }
  const bytes = Buffer.alloc(COMMAND_BYTES);
  const { fields } = DM_IOCTL;
  bytes.writeUInt32LE(VERSION[0], fields.major.offset);
  bytes.writeUInt32LE(VERSION[1], fields.minor.offset);
  bytes.writeUInt32LE(VERSION[2], fields.patch.offset);
  bytes.writeUInt32LE(COMMAND_BYTES, fields.data_size.offset);
  bytes.writeUInt32LE(DM_IOCTL.size, fields.data_start.offset);
  bytes.writeUInt32LE(targets, fields.target_count.offset);
  bytes.writeUInt32LE(Number(p.flags(flags.join("|")).value), fields.flags.offset);
  bytes.write(name, fields.name.offset);
  data.copy(bytes, DM_IOCTL.size);
  return bytes;
}

function encodeTarget({ type, sectors, parameters }: Target): Buffer {
  const text = Buffer.from(`${parameters}\0`);
  const { fields, size } = DM_TARGET_SPEC;
  const bytes = Buffer.alloc((size + text.length + 7) & ~7);
  bytes.writeBigUInt64LE(BigInt(sectors), fields.length.offset);
  bytes.writeUInt32LE(bytes.length, fields.next.offset);
  bytes.write(type, fields.target_type.offset);
  text.copy(bytes, size);
  return bytes;
}
