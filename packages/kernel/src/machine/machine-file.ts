import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { Architecture } from "../abi/architecture.ts";
import { cacheDirectory } from "./cache-directory.ts";
import { emitMachine } from "./machine.ts";

interface MachineFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * The machine as an executable file: emitted on first use into this user's cache directory, compared with what would be
 * emitted on every use. It only serves to start a zygote, which goes on from sealed memory.
 *
 * Throws `denied` or `failed` when no directory takes it.
 */
export function machineFile(architecture: Architecture): MachineFile {
  const content = emitMachine(architecture);
  const directory = join(cacheDirectory(), "orlop");
  // Named after its content: two machines, of programs installed side by side, do not take turns at one file, in whose
  // changes a third could start the wrong one.
  const path = join(directory, `machine-${architecture}-${checksum(content)}`);
  if (!hasContent(path, content)) writeExecutable(directory, path, content);
  return { path, bytes: content.length };
}

/** FNV-1a of 32 bits, as eight digits: it has to tell apart, not to withstand anybody; the content is compared as well. */
function checksum(content: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of content) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

function hasContent(path: string, content: Buffer): boolean {
  try {
    return readFileSync(path).equals(content);
  } catch {
    return false;
  }
}

/** Written under another name and renamed, so that no other process executes half of it or meets ETXTBSY. */
function writeExecutable(directory: string, path: string, content: Buffer): void {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, content, { mode: 0o555, flag: "wx" });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new OrlopError(
      "failed",
      `Cannot write machine "${path}": ${cause instanceof Error ? cause.message : String(cause)}\n` +
        "Try setting XDG_CACHE_HOME to a directory that you can write and execute from.",
      { cause },
    );
  }
}
