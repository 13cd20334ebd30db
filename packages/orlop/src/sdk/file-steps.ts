import { mkdirSync, statfsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";

const CHUNK_BYTES = 1024 * 1024;

/** include/uapi/linux/magic.h: file systems where a write is an order to the kernel. */
const OF_KERNEL: ReadonlySet<number> = new Set([
  0x9fa0, // PROC_SUPER_MAGIC
  0x6265_6572, // SYSFS_MAGIC
  0x0027_e0eb, // CGROUP_SUPER_MAGIC
  0x6367_7270, // CGROUP2_SUPER_MAGIC
  0x6462_6720, // DEBUGFS_MAGIC
  0x7472_6163, // TRACEFS_MAGIC
]);

/** @throws OrlopError `invalid` for what is no absolute path */
export function checkPath(action: string, path: string): void {
  if (typeof path === "string" && path.startsWith("/") && !path.includes("\0")) return;
  throw new OrlopError("invalid", `Cannot ${action} ${JSON.stringify(path)} of the sandbox: it is no absolute path`);
}

/** A path as the directory and the name in it. @throws OrlopError `invalid` */
export function split(action: string, path: string): { readonly parent: string; readonly name: string } {
  checkPath(action, path);
  const name = posix.basename(path);
  if (name !== "" && name !== "." && name !== "..") return { parent: posix.dirname(path), name };
  throw new OrlopError("invalid", `Cannot ${action} "${path}" of the sandbox: it names nothing in a directory`);
}

/** Carries out a step on a file of the sandbox; what the system says of a failure becomes an OrlopError about `path`. */
export async function attempt<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof OrlopError) throw cause;
    if ((cause as Error).name === "AbortError") throw aborted(cause);
    const { code } = cause as NodeJS.ErrnoException;
    // Somebody was quicker, in between two looks: no reason to try it for ever.
    if (code === "EEXIST" || code === "ELOOP") {
      throw new OrlopError("conflict", `Cannot ${action} "${path}" of the sandbox: something else is there`, { cause });
    }
    throw systemFailure(`${action} "${path}" of the sandbox`, cause);
  }
}

export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason);
}

function aborted(cause: unknown): OrlopError {
  return new OrlopError("cancelled", "Cannot finish with a file of the sandbox: a signal has ended it", { cause });
}

/** Whether it was made. */
export function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * A program of the sandbox may put a link to such a file where its owner is about to write, whose rights are greater.
 *
 * @throws OrlopError `denied`
 */
export function refuseKernelFiles(path: string, place: string): void {
  if (!OF_KERNEL.has(statfsSync(place).type)) return;
  throw new OrlopError("denied", `Cannot write "${path}" of the sandbox: it is the kernel's, and no file`);
}

/** @throws OrlopError `exhausted` */
export async function readAll(
  file: FileHandle,
  path: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    refuseAborted(signal);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    // What it says of its size need not be true by the time that it is read.
    if (length > maxBytes) {
      throw new OrlopError("exhausted", `Cannot read "${path}" of the sandbox: it has more than ${maxBytes} bytes`);
    }
    chunks.push(buffer.subarray(0, bytesRead));
  }
}
