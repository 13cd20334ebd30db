import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LogFile } from "./log-file.ts";
import { LOG_FILES_MAX } from "./log-layout.ts";

/** How often files may be renamed while one of them is being looked for. */
const RENAMES_MAX = 100;

/** The files of a log that are there, the current one first. */
async function logPaths(file: string, maxFiles: number = LOG_FILES_MAX): Promise<readonly string[]> {
  const base = basename(file);
  const numbers = (await readdir(dirname(file)))
    .filter((name) => name.startsWith(`${base}.`) && /^[1-9][0-9]*$/.test(name.slice(base.length + 1)))
    .map((name) => Number(name.slice(base.length + 1)))
    .filter((number) => number < maxFiles)
    .sort((a, b) => a - b);
  return [file, ...numbers.map((number) => join(dirname(file), `${base}.${number}`))];
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

async function openIfThere(path: string): Promise<LogFile | undefined> {
  try {
    return await LogFile.open(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function inodeAt(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Opens all files of a log, the oldest first. They are opened beginning with the newest, and listed after that: one that is
 * renamed meanwhile is met twice, and none is missed.
 */
export async function openLogFiles(file: string, maxFiles?: number): Promise<LogFile[]> {
  const found = new Map<bigint, LogFile>();
  const take = async (path: string): Promise<void> => {
    const opened = await openIfThere(path);
    if (opened === undefined) return;
    if (found.has(opened.inode)) await opened[Symbol.asyncDispose]();
    else found.set(opened.inode, opened);
  };
  try {
    await take(file);
    for (const path of await logPaths(file, maxFiles)) await take(path);
  } catch (error) {
    for (const opened of found.values()) await opened[Symbol.asyncDispose]();
    throw error;
  }
  return [...found.values()].reverse();
}

/** The file that came after `current`; undefined when that is the newest. */
export async function openNextFile(file: string, current: LogFile, maxFiles?: number): Promise<LogFile | undefined> {
  if ((await inodeAt(file)) === current.inode) return undefined;
  for (let tries = 0; tries < RENAMES_MAX; tries++) {
    const paths = await logPaths(file, maxFiles);
    const inodes: (bigint | undefined)[] = [];
    for (const path of paths) inodes.push(await inodeAt(path));
    const own = inodes.indexOf(current.inode);
    if (own === 0) return undefined;
    // The oldest there is, where `current` is not kept any more.
    const newer = paths.slice(0, own < 0 ? paths.length : own).reverse();
    const next = await openFirst(newer);
    if (next === undefined) return undefined;
    // Whatever is renamed, `current` is renamed before.
    if (next.inode !== current.inode && (own < 0 || (await inodeAt(paths[own] ?? "")) === current.inode)) return next;
    await next[Symbol.asyncDispose]();
  }
  return undefined;
}

async function openFirst(paths: readonly string[]): Promise<LogFile | undefined> {
  for (const path of paths) {
    const opened = await openIfThere(path);
    if (opened !== undefined) return opened;
  }
  return undefined;
}
