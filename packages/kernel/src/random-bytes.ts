import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** drivers/char/mem.c: the random device is 1:8, as `st_rdev` gives it. */
const RANDOM_DEVICE = (1 << 8) | 8;

/** So many are read at a time, for several calls: a signal may cut short what is longer. */
const READ_BYTES = 256;

/** Read, and given to nobody yet. */
let unused: Buffer = Buffer.alloc(0);

/**
 * Random bytes that nobody can guess, straight from the kernel. `node:crypto` gives the same, and loading it takes as
 * long as making a container.
 *
 * Since Linux 5.6 /dev/random is getrandom(2) without flags: once the generator has been seeded, soon after the
 * start of the machine, it never makes anybody wait.
 */
export function randomBytes(length: number): Buffer {
  if (unused.length < length && length <= READ_BYTES) unused = readRandomDevice(READ_BYTES) ?? unused;
  if (unused.length >= length) {
    const bytes = Buffer.from(unused.subarray(0, length));
    unused = unused.subarray(length);
    return bytes;
  }
  return process.getBuiltinModule("node:crypto").randomBytes(length);
}

/** Undefined where /dev is missing or is not what it seems to be, and where it would have to wait. */
function readRandomDevice(length: number): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync("/dev/random", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(descriptor);
    if (!stat.isCharacterDevice() || stat.rdev !== RANDOM_DEVICE) return undefined;
    const bytes = Buffer.alloc(length);
    return readSync(descriptor, bytes) === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
