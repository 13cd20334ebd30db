import {
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { OrlopError, parseContainerId } from "@orlop/core";
import { decodeReport, type Report, type SeccompProgram, systemFailure } from "@orlop/kernel";
import { abortable } from "./abortable.ts";
import { type ContainerRecord, parseRecord } from "./container-record.ts";
import { type COMMAND, encodeCommand } from "./control-command.ts";
import { stepFailure } from "./program-failure.ts";
import { readStateFile } from "./read-state-file.ts";
import { claimOfStart, START_PIPE } from "./start-pipes.ts";

const RECORD = "container.json";

const SECCOMP = "seccomp";

/** In the names of directories that are not a container's yet, or no more; no id has it. */
const UNFINISHED = "~";
const FILE_NAME_LENGTH_MAX = 255;

const COLLECTED = "collected";
/** What rename(2) says of a directory that something is in, or of what is none. */
const TAKEN: readonly (string | undefined)[] = ["ENOTEMPTY", "EEXIST", "ENOTDIR"];

/**
 * A container's directory on tmpfs:
 *
 * - `container.json` written by its maker before anything else
 * - `seccomp` the filter of its processes: see `encodeFilter`
 * - `control` the reaper's pipe, while there is a reaper
 * - `config.json` where there are hooks for who starts or deletes it
 * - `created`, `starting`, `started` or `failed`, `exit` by the reaper: init's pid; the program runs, or why not; how it ended
 * - `terminal` there is one, and the reaper relays it
 * - `start`, `result` of an init that is left to the caller: see start-pipes.ts
 * - `exec/<id>/` the same for each exec, and `collected` once somebody has waited for its end
 */
export class ContainerDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** In one step, with the record in it. Throws `exists` when the id is taken. */
  create(record: ContainerRecord, seccomp: SeccompProgram | undefined): void {
    // The name is that of the process that was called: what was left of its first attempt is its own.
    const name = `${UNFINISHED}${record.makerPid ?? process.pid}${UNFINISHED}${record.id}`;
    const unfinished = join(dirname(this.path), name.slice(0, FILE_NAME_LENGTH_MAX));
    try {
      makeAnew(unfinished);
    } catch (cause) {
      throw notWritten(this.path, record.id, cause);
    }
    try {
      if (seccomp !== undefined) writeFileSync(join(unfinished, SECCOMP), encodeFilter(seccomp), { mode: 0o600 });
      writeFileSync(join(unfinished, RECORD), JSON.stringify(record), { mode: 0o600 });
      renameSync(unfinished, this.path);
    } catch (cause) {
      rmSync(unfinished, { recursive: true, force: true });
      if (TAKEN.includes((cause as NodeJS.ErrnoException).code)) throw taken(record.id, cause);
      throw notWritten(this.path, record.id, cause);
    }
  }

  /** For those who look at more before they make it. Throws `exists` when the id is taken, which {@link make} does in any case. */
  refuseTaken(id: string): void {
    if (existsSync(join(this.path, RECORD))) throw taken(id);
  }

  /** The filter of the container's init, which its execs get, too. Throws `failed` where it is damaged. */
  seccomp(): SeccompProgram | undefined {
    try {
      return decodeFilter(readStateFile(join(this.path, SECCOMP)));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      const message = `Cannot read container "${basename(this.path)}": its seccomp filter is damaged`;
      throw new OrlopError("failed", message, { cause });
    }
  }

  /** Throws `not-found` where no container is, or one whose making was cut short. */
  record(id: string): ContainerRecord {
    let text: string;
    try {
      text = readStateFile(join(this.path, RECORD)).toString();
    } catch (cause) {
      throw new OrlopError("not-found", `Cannot find container "${id}": it does not exist`, { cause });
    }
    return parseRecord(text, id);
  }

  /** Of init's pid, and of a time since boot, `atMs`, at which it was alive. */
  created(): Report | undefined {
    return this.#report("created");
  }

  /** When the kernel was told that it is there, by the clock; 0 where it was not. */
  createdAtMs(): number {
    return statSync(join(this.path, "created"), { throwIfNoEntry: false })?.ctimeMs ?? 0;
  }

  exit(): Report | undefined {
    return this.#report("exit");
  }

  /** Somebody has learnt how it ended, and need not come again. */
  collect(): void {
    this.#mark(COLLECTED);
  }

  isCollected(): boolean {
    return existsSync(join(this.path, COLLECTED));
  }

  /** The program runs; said by the process that started it, where no reaper does. Its claim to that ends. */
  markStarted(): void {
    this.#mark("started");
    const claim = claimOfStart(this.path);
    if (claim !== undefined) rmSync(join(this.path, claim.name), { force: true });
  }

  /** An empty file that says so; nothing when the directory has been removed meanwhile. */
  #mark(name: string): void {
    try {
      writeFileSync(join(this.path, name), "", { mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  started(): boolean {
    return existsSync(join(this.path, "started"));
  }

  hasTerminal(): boolean {
    return existsSync(join(this.path, "terminal"));
  }

  #report(name: string): Report | undefined {
    const path = join(this.path, name);
    // Most that are asked for are not there, and an error takes longer than a look.
    if (!existsSync(path)) return undefined;
    try {
      return decodeReport(readStateFile(path));
    } catch {
      return undefined;
    }
  }

  /** Tells the reaper; `conflict` when there is none any more, or one that does not listen. */
  command(kind: keyof typeof COMMAND, argument = 0): void {
    const fd = this.#openControl();
    try {
      writeSync(fd, encodeCommand(kind, argument));
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === "EAGAIN";
      const what = full ? "too many commands wait for its reaper" : "it is not running";
      throw new OrlopError("conflict", `Cannot reach container: ${what}`, { cause });
    } finally {
      closeSync(fd);
    }
  }

  /** As `command`; nothing when there is no reaper any more. */
  tryCommand(kind: keyof typeof COMMAND, argument = 0): void {
    try {
      this.command(kind, argument);
    } catch (error) {
      if ((error as OrlopError).code !== "conflict") throw error;
    }
  }

  #openControl(): number {
    try {
      return openSync(join(this.path, "control"), constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (cause) {
      throw new OrlopError("conflict", "Cannot reach container: it is not running", { cause });
    }
  }

  exists(): boolean {
    return existsSync(this.path);
  }

  /** Whether init waits to be started by whoever does, or to go on with its start; see start-pipes.ts. */
  awaitsStart(): boolean {
    try {
      const pipe = join(this.path, claimOfStart(this.path)?.name ?? START_PIPE);
      closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
      return true;
    } catch {
      return false;
    }
  }

  /** Whether there is a control pipe: of a reaper that lives, or was killed. Asked of thousands in a row. */
  hasControl(): boolean {
    return existsSync(`${this.path}/control`);
  }

  /** Whether a reaper reads the control pipe. */
  supervised(): boolean {
    if (!this.hasControl()) return false;
    try {
      closeSync(this.#openControl());
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Resolves when the user's program has been executed, after the command to start, or with "hooks" when those of the
   * start have to be run first, unless they have been; rejects with the reason why it could not be executed.
   */
  waitForStart({ id, startSteps }: ContainerRecord, hooksDone = false): Promise<"hooks" | "started"> {
    return this.#watchFor(() => {
      const failed = this.#report("failed");
      if (failed !== undefined) {
        const step = startSteps.findLast(({ from }) => from <= failed.index);
        throw stepFailure(step ?? { action: `execute instruction ${failed.index}` }, failed.value);
      }
      if (this.started()) return "started";
      if (!hooksDone && existsSync(join(this.path, "starting"))) return "hooks";
      if (this.exit() === undefined) return undefined;
      throw new OrlopError("conflict", `Cannot start container "${id}": it was ended before its program ran`);
    });
  }

  /**
   * Resolves with the exit record, however long that takes. Throws `not-found` when the directory goes away, and `failed`
   * when the reaper was killed: then nobody can know how the child ended.
   */
  waitForExit(signal?: AbortSignal): Promise<Report> {
    return this.#watchFor(() => this.exit(), signal);
  }

  /** Resolves when there is no reaper, however that came. */
  async waitForReaper(signal?: AbortSignal): Promise<void> {
    await this.#watchFor(() => (this.supervised() ? undefined : true), signal);
  }

  /** Resolves with the first answer of `find` that is not undefined; it is asked again when a file changes. */
  async #watchFor<T>(find: () => T | undefined, signal?: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      try {
        const found = find();
        if (found !== undefined) resolve(found);
        else if (!existsSync(this.path)) {
          reject(new OrlopError("not-found", "Cannot wait for container: it was deleted"));
        }
      } catch (error) {
        reject(error);
      }
    };
    const lookForReaper = (): void => {
      if (this.supervised()) return;
      look();
      reject(new OrlopError("failed", "Cannot wait for container: its reaper was killed, and with it the exit status"));
    };
    const watcher = this.#watch(look);
    // The end of a reaper that was killed changes no file.
    const timer = setInterval(lookForReaper, REAPER_LOOK_MS);
    try {
      look();
      lookForReaper();
      return await abortable(promise, signal);
    } finally {
      clearInterval(timer);
      watcher.close();
    }
  }

  #watch(look: () => void): FSWatcher {
    try {
      return watch(this.path, look);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      throw new OrlopError("not-found", "Cannot wait for container: it was deleted", { cause });
    }
  }

  /** The directory of an exec, which may not exist. Throws `invalid` for an id that could name another place. */
  exec(execId: string): ContainerDirectory {
    return new ContainerDirectory(join(this.path, "exec", parseContainerId(execId)));
  }

  /** As `exec`; throws `not-found` when there is none of this id. */
  knownExec(execId: string): ContainerDirectory {
    const directory = this.exec(execId);
    if (existsSync(directory.path)) return directory;
    throw new OrlopError("not-found", `Cannot find exec "${execId}": it does not exist`);
  }

  /** Makes this directory, for an exec. */
  make(execId: string): void {
    mkdirSync(join(this.path, ".."), { recursive: true, mode: 0o700 });
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      throw new OrlopError("exists", `Cannot exec "${execId}": an exec of this id exists`, { cause });
    }
  }

  /** Removes everything; where nobody puts anything there meanwhile in a fraction of the time that `rmSync` takes. */
  remove(): void {
    try {
      removeFiles(this.path);
    } catch {
      this.#removeTree();
    }
  }

  /**
   * As `remove`, in two steps: from here on nobody finds the container, and what is left of its files, calling the result
   * removes. A sweep does so where that does not come about.
   */
  takeAway(): () => void {
    const name = `${UNFINISHED}${process.pid}${UNFINISHED}${basename(this.path)}`;
    const aside = new ContainerDirectory(join(dirname(this.path), name.slice(0, FILE_NAME_LENGTH_MAX)));
    try {
      renameSync(this.path, aside.path);
    } catch {
      this.remove();
      return () => {};
    }
    return () => aside.remove();
  }

  /**
   * Against programs that are still at it: one that starts just now, its maker dead, puts something there before it sees
   * that; and Node takes a file that one which ends removes itself for the end of the work, and says nothing.
   */
  #removeTree(): void {
    const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 10 } as const;
    for (let round = 0; round < REMOVAL_ROUNDS_MAX && existsSync(this.path); round++) rmSync(this.path, options);
  }

  static list(root: string): readonly string[] {
    return readdirSync(root).filter((name) => !name.startsWith(UNFINISHED) && existsSync(join(root, name, RECORD)));
  }

  /**
   * Removes what makers and removers that were killed have not finished. The pid of one in another pid namespace says nothing here, so
   * nothing young is touched.
   */
  static sweep(root: string, youngMs = 10_000): void {
    for (const name of readdirSync(root)) {
      if (!name.startsWith(UNFINISHED)) continue;
      const path = join(root, name);
      const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (since === undefined || Date.now() - since < youngMs) continue;
      if (!existsSync(`/proc/${name.split(UNFINISHED)[1]}`)) rmSync(path, { recursive: true, force: true });
    }
  }
}

/** An exec has few files, and each is removed once. */
const REMOVAL_ROUNDS_MAX = 1000;

/** How often a waiter looks whether there still is a reaper. */
const REAPER_LOOK_MS = 250;

function taken(id: string, cause?: unknown): OrlopError {
  return new OrlopError("exists", `Cannot create container "${id}": a container of this id exists`, { cause });
}

function notWritten(path: string, id: string, cause: unknown): OrlopError {
  return systemFailure(`write down container "${id}" in "${dirname(path)}"`, cause);
}

function removeFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) removeFiles(path);
    else unlinkSync(path);
  }
  rmdirSync(directory);
}

function makeAnew(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { mode: 0o700 });
  }
}

/** struct sock_filter, include/uapi/linux/filter.h. */
const FILTER_INSTRUCTION_BYTES = 8;
const FILTER_HEAD_BYTES = 8;

/** Flags and the number of instructions, 32 bits each; the instructions; the listener as JSON, if there is one. */
function encodeFilter({ filter, flags, instructionCount, listener }: SeccompProgram): Buffer {
  const head = Buffer.alloc(FILTER_HEAD_BYTES);
  head.writeUInt32LE(flags, 0);
  head.writeUInt32LE(instructionCount, 4);
  return Buffer.concat([head, filter, Buffer.from(listener === undefined ? "" : JSON.stringify(listener))]);
}

function decodeFilter(bytes: Buffer): SeccompProgram {
  const instructionCount = bytes.readUInt32LE(4);
  const end = FILTER_HEAD_BYTES + instructionCount * FILTER_INSTRUCTION_BYTES;
  if (bytes.length < end) throw new RangeError(`a filter of ${end} bytes in ${bytes.length}`);
  const listener =
    bytes.length > end ? (JSON.parse(bytes.toString("utf8", end)) as SeccompProgram["listener"]) : undefined;
  const filter = Uint8Array.from(bytes.subarray(FILTER_HEAD_BYTES, end));
  return { filter, instructionCount, flags: bytes.readUInt32LE(), listener, ignoredNames: [] };
}
