import { closeSync, constants, openSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { emitReport, hostArchitecture, type Program, ProgramBuilder, reportBuffer, WINSIZE } from "@orlop/kernel";
import { NotHere } from "../caller/not-here.ts";
import type { CallHands } from "./call-hands.ts";

/** Of a terminal that a caller writes to. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Whether what a process has open under a number is a terminal.
 *
 * @throws NotHere for a device that this user may not open, such as a terminal after su(1)
 */
export function isTerminalOf(pid: number, fd: number): boolean {
  const path = `/proc/${pid}/fd/${fd}`;
  const stat = statSync(path, { throwIfNoEntry: false });
  // What is no device has an end to open that others would notice.
  if (stat?.isCharacterDevice() !== true || majorOf(stat.rdev) === MEMORY_MAJOR) return false;
  const opened = openDevice(path);
  try {
    return isatty(opened);
  } finally {
    closeSync(opened);
  }
}

/** Whether what a process has open under a number may take less than it is given, as a file on a full disk does. */
export function mayBeFull(pid: number, fd: number): boolean {
  const stat = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  return (
    stat.isFile() || (stat.isCharacterDevice() && stat.rdev !== NULL_DEVICE && majorOf(stat.rdev) === MEMORY_MAJOR)
  );
}

/** Of /dev/null, 1:3. */
const NULL_DEVICE = 0x103;

/** Of /dev/null and its like: Documentation/admin-guide/devices.txt. */
const MEMORY_MAJOR = 1;

/** include/linux/kdev_t.h, new_encode_dev */
function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}

function openDevice(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch {
    throw new NotHere("a device of the caller's is somebody else's");
  }
}

/** Asks for the size of the terminal that is the caller's standard output; undefined where that is none. */
export async function terminalSize(hands: CallHands): Promise<TerminalSize | undefined> {
  const { promise, resolve } = Promise.withResolvers<number>();
  hands.submit(compileAskSize(), ({ kind, value }) => {
    if (kind === "ended" || kind === "unstarted") resolve(kind === "ended" ? value : 0);
  });
  const packed = await promise;
  return packed <= 0 ? undefined : { rows: packed & 0xffff, columns: (packed >>> 16) & 0xffff };
}

function compileAskSize(): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const size = p.struct(WINSIZE, {});
  const packed = p.slot("size");
  const none = p.label("no terminal");
  p.role("terminal size");
  p.step({ action: "ask for the size of the terminal" });
  p.set(packed, 0);
  p.call("ioctl", [1, p.flags("TIOCGWINSZ"), size], { on: "any", goto: none });
  p.load(packed, size, 4);
  p.mark(none);
  emitReport(p, reportBuffer(p), "ended", { index: 0, value: packed });
  p.call("exit_group", [0]);
  return p.build();
}
