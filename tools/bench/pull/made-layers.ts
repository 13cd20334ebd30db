import type { TarEntry } from "@orlop/image";
import { MadeContent, seededNumbers } from "./made-content.ts";

/** 2025-01-01. */
const MTIME = 1_735_689_600;

const SMALL_FILES = 26_000;
const FILES_IN_A_PACKAGE = 14;
/** Of the logarithm of a size: half of all files are smaller than 4 kB, and the mean is 15 kB. */
const SIZE = { median: 4_000, sigma: 1.64, max: 2 * 1024 * 1024 };
const FOLDERS = ["", "lib/", "lib/internal/", "dist/", "dist/esm/util/", "test/fixtures/"];

const BIG_FILES = 16;
const BIG_FILE_BYTES = 64 * 1024 * 1024;

/** A tree like `node_modules` or `site-packages`: 400 MB in 26,000 files of some two thousand packages. */
export function* smallFilesLayer(): Generator<TarEntry> {
  const content = new MadeContent(1);
  const random = seededNumbers(2);
  const known = new Set<string>();
  for (let index = 0; index < SMALL_FILES; index++) {
    const folder = FOLDERS[Math.floor(random() * FOLDERS.length)] ?? "";
    const directory = `usr/lib/node_modules/package-${Math.floor(index / FILES_IN_A_PACKAGE)}/${folder}`;
    yield* newDirectories(directory, known);
    yield file(`${directory}module-${index}.js`, smallSize(random), index, content);
  }
}

/** One gigabyte in a few large files. */
export function* bigFilesLayer(): Generator<TarEntry> {
  const content = new MadeContent(3);
  yield* newDirectories("srv/data/", new Set());
  for (let index = 0; index < BIG_FILES; index++) yield file(`srv/data/${index}.bin`, BIG_FILE_BYTES, index, content);
}

function* newDirectories(path: string, known: Set<string>): Generator<TarEntry> {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const parent = path.slice(0, at + 1);
    if (known.has(parent)) continue;
    known.add(parent);
    yield { kind: "directory", path: parent, mode: 0o755, mtime: MTIME };
  }
}

function file(path: string, size: number, seed: number, made: MadeContent): TarEntry {
  return { kind: "file", path, mode: 0o644, mtime: MTIME, size, content: () => made.bytes(size, seed) };
}

/** Of a log-normal distribution; the normal one by Box and Muller. */
function smallSize(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(SIZE.max, Math.round(SIZE.median * Math.exp(SIZE.sigma * normal)));
}
