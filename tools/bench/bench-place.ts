import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateRequest } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { ProcessRuntime } from "@orlop/runtime";
import { removeCgroupDirectories, temporaryDirectory } from "@orlop/testkit";
import { findProgram } from "../steps/find-program.ts";
import { type Bundle, makeBundles } from "./bench-bundles.ts";
import { CommandTimer } from "./command-timer.ts";
import { OciPeer } from "./oci-peer.ts";

/** Why containers cannot be measured here, or undefined when they can. */
export function containerObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return existsSync("/bin/busybox") ? undefined : "needs busybox (Debian: apt-get install busybox-static)";
}

/** include/uapi/linux/magic.h */
const TMPFS_MAGIC = 0x01021994;

/** Whether what is in a directory is in no file system on a disk. */
export function isInMemory(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === TMPFS_MAGIC;
}

/** Where a runtime keeps its state: in memory, as ours and the peers' do by default. */
function stateBase(): string {
  return ["/run", "/dev/shm"].find(isInMemory) ?? tmpdir();
}

/** What a process that makes containers has behind it within its first second. */
const warmUpContainers = 100;

const NO_STDIO: CreateRequest["stdio"] = { stdin: "null", stdout: "null", stderr: "null" };

/** Both bundles, our runtime and the peers'; all of it, and every container in it, is gone when it is disposed of. */
export class BenchPlace implements AsyncDisposable {
  /** Begins every container's id; nobody else's contains it. */
  readonly mark: string = `orlop-bench-${process.pid}`;
  /** Holds the state directories of every runtime. */
  readonly stateDirectory: string;
  /** Of our runtime: a directory for each container. */
  readonly ownStateDirectory: string;
  readonly ending: Bundle;
  readonly idling: Bundle;
  /** Ours; it starts a zygote with its first container. */
  readonly runtime: ProcessRuntime;
  readonly timer: CommandTimer;
  readonly peers: readonly OciPeer[];
  /** Peers that are not installed. */
  readonly absent: readonly string[];
  #stack: AsyncDisposableStack;
  #zygote: Zygote | undefined;
  #containers = 0;

  private constructor(stack: AsyncDisposableStack) {
    this.#stack = stack;
    this.#stack.defer(() => removeCgroupDirectories(this.mark));
    const { path } = this.#stack.use(temporaryDirectory(`${this.mark}-`));
    ({ ending: this.ending, idling: this.idling } = makeBundles(path));
    this.stateDirectory = this.#stack.adopt(mkdtempSync(join(stateBase(), `${this.mark}-`)), (directory) =>
      rmSync(directory, { recursive: true }),
    );
    this.ownStateDirectory = join(this.stateDirectory, "orlop");
    const startZygote = (): Zygote => {
      this.#zygote = Zygote.start({ stdio: "ignore" });
      return this.#zygote;
    };
    this.runtime = this.#stack.adopt(new ProcessRuntime({ root: this.ownStateDirectory, startZygote }), (runtime) =>
      runtime.close(),
    );
    const timer = this.#stack.use(new CommandTimer());
    this.timer = timer;
    const found = ["crun", "runc"].map((name) => ({ name, program: findProgram(name) }));
    this.absent = found.filter(({ program }) => program === undefined).map(({ name }) => name);
    this.peers = found.flatMap(({ name, program }) =>
      program === undefined ? [] : [new OciPeer(name, program, timer, this.stateDirectory)],
    );
    this.#stack.defer(() => this.#deleteContainers());
  }

  /** Warm: V8 has compiled what runs often, and the zygote has run containers. */
  static async open(): Promise<BenchPlace> {
    await using stack = new AsyncDisposableStack();
    const place = new BenchPlace(stack);
    for (let count = 0; count < warmUpContainers; count++) await place.#runOne();
    place.#stack = stack.move();
    return place;
  }

  async #runOne(): Promise<void> {
    const request = this.request(this.ending);
    await this.runtime.run(request);
    await this.runtime.wait(request.id);
    await this.runtime.delete(request.id);
  }

  get zygotePid(): number {
    const pid = this.#zygote?.pid;
    assert(pid !== undefined, "the zygote starts with the first container");
    return pid;
  }

  newId(): string {
    return `${this.mark}-${++this.#containers}`;
  }

  request({ path, spec }: Bundle, changes: Partial<CreateRequest> = {}): CreateRequest {
    return { id: this.newId(), bundle: path, spec, stdio: NO_STDIO, ...changes };
  }

  async #deleteContainers(): Promise<void> {
    for (const { id } of await this.runtime.list()) await this.runtime.delete(id, { force: true });
    for (const peer of this.peers) await peer.deleteAll();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
