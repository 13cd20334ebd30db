import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { FileLock } from "@orlop/image";
import { isMarkAlive, ownProcessMark, processMark } from "@orlop/kernel";
import { isNamespaceThere, namespaceIdentity } from "../namespace-path.ts";
import type { NetworkRecords } from "../records/network-records.ts";
import { startHolder } from "./start-holder.ts";

/** The kernel ends what is killed as soon as it has done what it does for it. */
const END_MAX_MS = 20_000;
const LOOK_MS = 2;

/** Namespaces of an ordinary user's networks, by the process that holds them. */
export interface HeldHost {
  readonly pid: number;
  /** Paths, which lead there as long as the process lives. */
  readonly user: string;
  readonly net: string;
  /** Tells the network namespace from others. */
  readonly identity: string;
}

/** Keeps the namespaces from being given back until it is disposed of. */
export interface UserHostClaim extends Disposable {
  readonly host: HeldHost;
}

/**
 * The host of an ordinary user's bridges: a network namespace, and a user namespace that those of containers are children of, held
 * by one process for all (docs/decisions/0032). It is there as long as something is connected, or about to be.
 */
export class UserHost {
  readonly #directory: string;
  readonly #records: NetworkRecords;
  #claims = 0;

  /** @param directory on a file system that a restart of the machine empties; made where it is not there */
  constructor(directory: string, records: NetworkRecords) {
    this.#directory = directory;
    this.#records = records;
    mkdirSync(join(directory, "claims"), { recursive: true, mode: 0o700 });
  }

  /** Undefined where nothing is held. */
  find(): HeldHost | undefined {
    try {
      const mark = readFileSync(this.#file, "utf8");
      const pid = Number(mark.split(".")[1]);
      if (!isMarkAlive(mark)) return undefined;
      const net = `/proc/${pid}/ns/net`;
      // Of one that has ended, and whose end nobody has taken note of, there is none.
      return { pid, user: `/proc/${pid}/ns/user`, net, identity: namespaceIdentity(net) };
    } catch {
      return undefined;
    }
  }

  /** Whether what is held has taken the place of another one, from which endpoints were cut off. */
  get isCut(): boolean {
    return existsSync(this.#cut);
  }

  /** They are connected again, or gone. */
  mended(): void {
    rmSync(this.#cut, { force: true });
  }

  /** What is held, made where it is not there. @throws OrlopError */
  async hold(): Promise<HeldHost> {
    const found = this.find();
    if (found !== undefined) return found;
    using _lock = await FileLock.take(this.#lock);
    return await this.#hold();
  }

  /** The same, for who is about to make something that belongs there. @throws OrlopError */
  async claim(): Promise<UserHostClaim> {
    using _lock = await FileLock.take(this.#lock);
    const path = join(this.#directory, "claims", `${ownProcessMark()}-${++this.#claims}`);
    writeFileSync(path, "", { mode: 0o600 });
    const release = (): void => rmSync(path, { force: true });
    try {
      return { host: await this.#hold(), [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Gives back what nobody needs, after `before` has been done; whether that was so. */
  async releaseUnlessNeeded(before: (host: HeldHost | undefined) => Promise<void>): Promise<boolean> {
    if (this.#isNeeded()) return false;
    using _lock = await FileLock.take(this.#lock);
    if (this.#isNeeded()) return false;
    const found = this.find();
    await before(found);
    if (found !== undefined) await end(found);
    rmSync(this.#file, { force: true });
    return true;
  }

  get #file(): string {
    return join(this.#directory, "holder");
  }

  get #cut(): string {
    return join(this.#directory, "cut");
  }

  get #lock(): string {
    return join(this.#directory, "lock");
  }

  async #hold(): Promise<HeldHost> {
    const found = this.find();
    if (found !== undefined) return found;
    const [uid = 0, gid = 0] = [process.geteuid?.(), process.getegid?.()];
    const relative = this.#relative();
    if (relative !== undefined) writeFileSync(this.#cut, "", { mode: 0o600 });
    const pid = await startHolder({ uid, gid, ...(relative === undefined ? {} : { relative }) });
    writeFileSync(`${this.#file}.new`, processMark(pid), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    const held = this.find();
    if (held !== undefined) return held;
    throw new OrlopError("failed", "Cannot make networks of an ordinary user: their holder has ended");
  }

  /** What was connected when the one before ended. */
  #relative(): string | undefined {
    return this.#records.endpoints().find(({ namespace }) => isNamespaceThere(namespace))?.namespace.path;
  }

  #isNeeded(): boolean {
    if (this.#records.endpoints().length > 0) return true;
    const claims = join(this.#directory, "claims");
    return readdirSync(claims).some((name) => {
      if (isMarkAlive(name.replace(/-\d+$/, ""))) return true;
      rmSync(join(claims, name), { force: true });
      return false;
    });
  }
}

async function end({ pid, net, identity }: HeldHost): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  for (const start = performance.now(); isNamespaceThere({ path: net, identity }); await setTimeout(LOOK_MS)) {
    if (performance.now() - start < END_MAX_MS) continue;
    throw new OrlopError(
      "failed",
      `Cannot end process ${pid}: it is there still, ${END_MAX_MS} ms after it was killed`,
    );
  }
}
