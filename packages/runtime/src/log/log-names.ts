import { readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { LogFile } from "./log-file.ts";
import { LOG_FILES_MAX } from "./log-layout.ts";

/** How often files may be renamed while one of them is being looked for. */
const RENAMES_MAX = 100;

/** How many numbers are looked for beyond the last that is somebody's: while files are renamed, one of them is nobody's. */
const NUMBERS_BEYOND = 2;

/**
 * Looks at the files of a log, the current one first, in the order of their numbers. They are renamed to higher ones only,
 * the highest first: one that is renamed meanwhile is met twice, and none that was there is missed. (A listing of the
 * directory does miss some then.)
 */
async function lookAt<T>(
  file: string,
  maxFiles: number = LOG_FILES_MAX,
  look: (path: string) => Promise<T>,
): Promise<readonly { readonly path: string; readonly found: T }[]> {
  const all: { path: string; found: T }[] = [];
  let last = (await highestNumber(file)) + NUMBERS_BEYOND;
  for (let number = 0; number <= last && number < maxFiles; number++) {
    const path = number === 0 ? file : `${file}.${number}`;
    try {
      all.push({ path, found: await look(path) });
      last = Math.max(last, number + NUMBERS_BEYOND);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return all;
}

async function highestNumber(file: string): Promise<number> {
  // Without the directory there is none of the files.
  const names = await readdir(dirname(file)).catch(() => []);
  const start = `${basename(file)}.`;
  const numbers = names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  return Math.max(0, ...numbers.filter((number) => /^[1-9][0-9]?$/.test(number)).map(Number));
}

const inodeAt = async (path: string): Promise<bigint> => (await stat(path, { bigint: true })).ino;

async function closeAll(files: Iterable<LogFile>): Promise<void> {
  for (const file of files) await file[Symbol.asyncDispose]();
}

/** Opens all files of a log, the oldest first. */
export async function openLogFiles(file: string, maxFiles?: number): Promise<LogFile[]> {
  const all: LogFile[] = [];
  try {
    await lookAt(file, maxFiles, async (path) => all.push(await LogFile.open(path)));
  } catch (error) {
    await closeAll(all);
    throw error;
  }
  // Of one that was met twice, the place where it was last.
  const once = new Map(all.reverse().map((each) => [each.inode, each]));
  await closeAll(all.filter((each) => once.get(each.inode) !== each));
  return [...once.values()];
}

/** The file that came after `current`; undefined when that is the newest. */
export async function openNextFile(file: string, current: LogFile, maxFiles?: number): Promise<LogFile | undefined> {
  for (let tries = 0; tries < RENAMES_MAX; tries++) {
    const all = await lookAt(file, maxFiles, inodeAt);
    const own = all.findLast(({ found }) => found === current.inode);
    // The oldest there is, where `current` is not kept any more.
    const newer = all.slice(0, own === undefined ? all.length : all.indexOf(own));
    const next = newer.findLast(({ found }) => found !== current.inode);
    if (next === undefined) return undefined;
    const [opened] = await openLogFiles(next.path, 1);
    if (opened === undefined) continue;
    // Whatever is renamed, `current` is renamed before; so it is still next to it.
    const isNext = own === undefined || (await inodeAt(own.path).catch(() => undefined)) === current.inode;
    if (isNext && opened.inode === next.found) return opened;
    await closeAll([opened]);
  }
  return undefined;
}
