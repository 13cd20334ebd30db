import {
  type BigIntStats,
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { type LayerEntry, OrlopError } from "@orlop/core";
import { errnoWords, systemFailure } from "@orlop/kernel";
import type { OpenPlace } from "../directory/root-directory.ts";
import { StagedFile } from "../directory/staged-file.ts";
import { anybodysXattrs } from "../layer/layer-losses.ts";
import { withoutOverlays } from "../layer/overlay-xattrs.ts";
import { readXattrs } from "../system/read-xattrs.ts";
import { makeSpecialFiles, type SpecialFile } from "../system/special-files.ts";
import type { CapturedEntry, CapturedOptions } from "./captured-entries.ts";
import { HostWalk, removeEntry, splitPath } from "./host-walk.ts";
import { StagingRoom } from "./staging-room.ts";

interface ApplyOptions extends CapturedOptions {
  /** What has changed later is somebody else's: such a directory keeps its time. */
  readonly sinceNs: bigint;
}

/** A directory that is to be described when nothing is made in it any more. */
interface PlacedDirectory {
  readonly path: string;
  readonly entry: LayerEntry;
  /** As it was; absent: it has been made. */
  readonly before: BigIntStats | undefined;
}

/** In a room. */
const MADE = "made";
const MODE_MASK = 0o7777;
const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

/**
 * Puts captured entries in their places in a directory, with owners (as root), modes, times, extended attributes and hard
 * links. A file is made beside its place and renamed: whoever looks sees the old one or the new one, whole. Where a directory
 * makes way for something else, or the other way round, there is neither for a moment.
 *
 * @throws OrlopError, or the errors of node:fs; what has been put in place by then stays
 */
export async function applyCaptured(
  below: string,
  entries: AsyncIterable<CapturedEntry>,
  options: ApplyOptions,
): Promise<void> {
  using applied = new CapturedApply(below, options);
  for await (const entry of entries) {
    await withPath(join(below, entry.path), () => applied.put(entry));
  }
  await applied.finish();
}

class CapturedApply implements Disposable {
  readonly #below: string;
  readonly #walk: HostWalk;
  /** For further names of files: the way to one place ends the hold on another. */
  readonly #targets: HostWalk;
  readonly #options: ApplyOptions;
  readonly #keepsOwners: boolean = process.geteuid?.() === 0;
  /** Those above first. */
  readonly #directories: PlacedDirectory[] = [];
  /** What is to be set of files, by the directories that these are in: Node has no nanoseconds. */
  readonly #times = new Map<string, SpecialFile[]>();

  constructor(below: string, options: ApplyOptions) {
    this.#below = below;
    this.#walk = new HostWalk(below);
    this.#targets = new HostWalk(below);
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#walk[Symbol.dispose]();
    this.#targets[Symbol.dispose]();
  }

  async put({ path, entry, hidesBelow }: CapturedEntry): Promise<void> {
    if (entry?.kind === "directory") return this.#putDirectory(path, entry, hidesBelow);
    const { parent, name } = splitPath(path);
    const place = this.#open(this.#walk, parent);
    if (entry === undefined) return removeEntry(place, name);
    using room = new StagingRoom(place);
    await this.#stage(room.inside, entry);
    take(room.inside, place, name);
    if (entry.kind === "hard-link") return;
    const times = this.#times.get(parent) ?? [];
    times.push({ kind: "time", path: name, attributes: entry });
    this.#times.set(parent, times);
  }

  async finish(): Promise<void> {
    const kept = this.#directories.filter(({ before }) => before !== undefined).map(({ path }) => path || ".");
    const { system, scratch } = this.#options;
    const xattrs = await readXattrs(system, this.#below, kept, scratch);
    for (const directory of this.#directories.toReversed()) {
      const known = withoutOverlays(xattrs.get(directory.path || ".") ?? NO_XATTRS);
      await withPath(join(this.#below, directory.path), () => this.#describe(directory, known));
    }
    for (const [path, times] of this.#times) {
      await withPath(join(this.#below, path), () => this.#make(this.#open(this.#walk, path), times));
    }
  }

  #open(walk: HostWalk, path: string): OpenPlace {
    const place = walk.directory(path);
    if (place !== undefined) return place;
    throw new OrlopError("conflict", `Cannot write to "${walk.absolute(path)}": it is no directory any more`);
  }

  #putDirectory(path: string, entry: LayerEntry, hidesBelow: boolean): void {
    const found = this.#walk.stat(path);
    const before = path === "" || (found?.isDirectory() === true && !hidesBelow) ? found : undefined;
    if (before === undefined) {
      const { parent, name } = splitPath(path);
      const place = this.#open(this.#walk, parent);
      using room = new StagingRoom(place);
      mkdirSync(`${room.inside.path}/${MADE}`, { mode: 0o700 });
      take(room.inside, place, name);
    }
    this.#directories.push({ path, entry, before });
  }

  /** Makes what is no directory. */
  async #stage(room: OpenPlace, entry: LayerEntry): Promise<void> {
    const { kind, uid, gid, target, device, xattrs } = entry;
    const made = `${room.path}/${MADE}`;
    switch (kind) {
      case "file": {
        using file = new StagedFile(made);
        for await (const chunk of entry.content()) file.write(chunk);
        file.finish(entry, this.#keepsOwners);
        break;
      }
      case "symlink":
        symlinkSync(target, made);
        if (this.#keepsOwners) lchownSync(made, uid, gid);
        break;
      case "hard-link": {
        const { parent, name } = splitPath(target);
        linkSync(`${this.#open(this.#targets, parent).path}/${name}`, made);
        return;
      }
      case "fifo":
      case "character-device":
      case "block-device":
        await this.#make(room, [{ kind: "node", path: MADE, type: kind, device, attributes: entry }]);
        break;
      case "directory":
        throw new Error("directories are made for themselves");
    }
    await this.#make(room, xattrChanges(MADE, this.#settable(xattrs), NO_XATTRS));
  }

  /** Owner, mode, attributes and times, where they differ. */
  async #describe({ path, entry, before }: PlacedDirectory, xattrs: ReadonlyMap<string, Buffer>): Promise<void> {
    const place = this.#open(this.#walk, path);
    const { mode, uid, gid } = entry;
    const hasOwner = before !== undefined && Number(before.uid) === uid && Number(before.gid) === gid;
    if (this.#keepsOwners && !hasOwner) lchownSync(`${place.path}/.`, uid, gid);
    const specials = [...(this.#times.get(path) ?? []), ...xattrChanges(".", this.#settable(entry.xattrs), xattrs)];
    this.#times.delete(path);
    // What was made in it has given it another, unless others have done so, too.
    const isOurs = before === undefined || before.ctimeNs < this.#options.sinceNs;
    if (isOurs) specials.push({ kind: "time", path: ".", attributes: entry });
    await this.#make(place, specials);
    // At last: with its mode nobody may be able to enter it.
    if (before === undefined || (Number(before.mode) & MODE_MASK) !== mode) chmodSync(place.path, mode);
  }

  #settable(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
    return this.#keepsOwners ? xattrs : anybodysXattrs(xattrs);
  }

  async #make(place: OpenPlace, files: readonly SpecialFile[]): Promise<void> {
    if (files.length === 0) return;
    // By another process, which does not have this one's descriptors.
    const directory = `/proc/${process.pid}/fd/${place.fd}`;
    await makeSpecialFiles(this.#options.system, directory, files, this.#keepsOwners);
  }
}

/** What fails is done to a path, and not to the descriptor by which it is. */
async function withPath(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OrlopError)) throw systemFailure(`write "${path}"`, error);
    if (error.errno === undefined) throw error;
    const { code, errno } = error;
    throw new OrlopError(code, `Cannot write "${path}": ${errnoWords(errno)}`, {
      operation: `write "${path}"`,
      errno,
      cause: error,
    });
  }
}

/** Gives what was made its name; what has that makes way. */
function take(room: OpenPlace, place: OpenPlace, name: string): void {
  const [made, wanted] = [`${room.path}/${MADE}`, `${place.path}/${name}`];
  const there = lstatSync(wanted, { throwIfNoEntry: false });
  // Of two names of one file rename(2) leaves both; the room goes with what is in it.
  if (there !== undefined && (there.isDirectory() || lstatSync(made).isDirectory())) {
    renameSync(wanted, `${room.path}/before`);
  }
  renameSync(made, wanted);
}

function xattrChanges(
  path: string,
  wanted: ReadonlyMap<string, Buffer>,
  there: ReadonlyMap<string, Buffer>,
): SpecialFile[] {
  const gone = [...there.keys()].filter((name) => !wanted.has(name));
  const set = [...wanted].filter(([name, value]) => there.get(name)?.equals(value) !== true);
  return [
    ...gone.map((name): SpecialFile => ({ kind: "xattr", path, name, value: undefined })),
    ...set.map(([name, value]): SpecialFile => ({ kind: "xattr", path, name, value })),
  ];
}
