import { type BigIntStats, fstatSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { type OpenPlace, RootDirectory } from "../directory/root-directory.ts";

/**
 * A directory that others write to meanwhile, walked name by name: no link on the way is followed, whoever puts it there
 * (CVE-2018-15664).
 */
export class HostWalk implements Disposable {
  readonly #root: RootDirectory;
  readonly #path: string;
  /** The way to where it was asked for last. */
  #names: readonly string[] = [];
  readonly #way: OpenPlace[] = [];

  constructor(path: string) {
    this.#path = path;
    this.#root = new RootDirectory(path);
    this.#way.push(this.#root.open());
  }

  [Symbol.dispose](): void {
    for (const place of this.#way) place[Symbol.dispose]();
    this.#root[Symbol.dispose]();
  }

  /** A directory, held until the next call; undefined where there is none, or a link on the way. */
  directory(path: string): OpenPlace | undefined {
    const names = path.split("/").filter((name) => name !== "");
    let same = 0;
    while (same < names.length && names[same] === this.#names[same]) same++;
    for (const place of this.#way.splice(same + 1)) place[Symbol.dispose]();
    this.#names = names.slice(0, same);
    for (const name of names.slice(same)) {
      const next = this.#way.at(-1)?.openSubdirectory(name);
      if (next === undefined) return undefined;
      this.#way.push(next);
      this.#names = [...this.#names, name];
    }
    return this.#way.at(-1);
  }

  /** What is at a path, not what a link there leads to; undefined where there is nothing. */
  stat(path: string): BigIntStats | undefined {
    const { parent, name } = splitPath(path);
    const place = this.directory(parent);
    if (place === undefined) return undefined;
    if (name === "") return fstatSync(place.fd, { bigint: true });
    return lstatSync(`${place.path}/${name}`, { bigint: true, throwIfNoEntry: false });
  }

  /** For messages. */
  absolute(path: string): string {
    return `${this.#path === "/" ? "" : this.#path}/${path}`;
  }
}

export function splitPath(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}

/** Everything in a directory's entry, itself first, as far as it lies on the same file system. */
export function* filesBelow(parent: OpenPlace, name: string): Generator<BigIntStats & { readonly isMount: boolean }> {
  const device = fstatSync(parent.fd, { bigint: true }).dev;
  yield* filesOn(parent, name, device);
}

function* filesOn(parent: OpenPlace, name: string, device: bigint): Generator<BigIntStats & { isMount: boolean }> {
  const stat = lstatSync(`${parent.path}/${name}`, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return;
  const isMount = stat.dev !== device;
  yield Object.assign(stat, { isMount });
  if (isMount || !stat.isDirectory()) return;
  using place = parent.openSubdirectory(name);
  if (place === undefined) return;
  for (const each of readdirSync(place.path)) yield* filesOn(place, each, device);
}

/** Removes a file, or a directory with everything in it; what is mounted there stays, and is an error (EBUSY). */
export function removeEntry(parent: OpenPlace, name: string): void {
  const path = `${parent.path}/${name}`;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return;
  }
  empty(parent, name);
  rmdirSync(path);
}

function empty(parent: OpenPlace, name: string): void {
  using place = parent.openSubdirectory(name);
  if (place === undefined || fstatSync(place.fd).dev !== fstatSync(parent.fd).dev) return;
  for (const each of readdirSync(place.path)) removeEntry(place, each);
}
