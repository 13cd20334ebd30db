import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { defaultSpec, type RuntimeSpec } from "@orlop/core";
import { hostArchitecture, launcherFile } from "@orlop/kernel";
import {
  assertNoLeakSince,
  type KernelState,
  makeBusyboxRootfs,
  snapshotKernelState,
  temporaryDirectory,
  writeBundle,
} from "@orlop/testkit";
import { bounded, rootObstacle, type SpecChanges, until } from "../../process/process-bench-fixture.ts";
import { LAUNCHER_FILES } from "./called-as.ts";
import { isListening } from "./is-listening.ts";
import { type LauncherPlace, launcherPlace } from "./launcher-place.ts";

const PACKAGE = join(import.meta.dirname, "../../..");

/** In the ids of everything that this process's tests make. */
const MARK = `orlop-command-${process.pid}`;

let benches = 0;

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input; absent: /dev/null. */
  readonly stdin?: number;
  /** The caller's descriptors from 3 up. */
  readonly descriptors?: readonly number[];
  /** What executes the command, in front of it: a shell that changes something first. */
  readonly before?: readonly string[];
}

interface CallEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A call of the command that may not have ended yet. */
export interface RunningCall {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What the call, and its container, have said so far. */
  said(): Pick<CallEnd, "stdout" | "stderr">;
  readonly ended: Promise<CallEnd>;
}

/** An installation of the command of its own, which no other test meets: launcher, resident process, containers. */
export class CommandBench implements AsyncDisposable {
  /** Part of every container's id. */
  readonly mark: string;
  readonly directory: string;
  readonly bin: string;
  readonly root: string;
  readonly rootfs: string;
  readonly env: Readonly<Record<string, string>>;
  readonly place: LauncherPlace;
  /** A launcher that has nothing to fall back to. */
  readonly strictLauncher: string;
  readonly #stack = new AsyncDisposableStack();
  readonly #running = new Set<ChildProcess>();
  #files = 0;
  #containers = 0;

  /** @param sources those of the checkout, or a copy that a test may change */
  constructor(sources: "linked" | "copied" = "linked") {
    this.mark = `${MARK}-${++benches}`;
    this.directory = this.#stack.use(temporaryDirectory("orlop-command-")).path;
    this.bin = installCommand(join(this.directory, "packages/runtime"), sources);
    this.root = join(this.directory, "state");
    this.rootfs = join(this.directory, "rootfs");
    makeBusyboxRootfs(this.rootfs);
    mkdirSync(join(this.directory, "cache"), { mode: 0o700 });
    this.env = { PATH: process.env.PATH ?? "", HOME: this.directory, XDG_CACHE_HOME: join(this.directory, "cache") };
    const place = launcherPlace(this.bin, this.env);
    assert(place !== undefined);
    this.place = place;
    this.strictLauncher = join(this.directory, "launcher");
    const nowhere = { alone: "/nowhere", broken: "/nowhere" };
    const launcher = launcherFile({ architecture: hostArchitecture(), socketPath: place.socket, ...nowhere });
    writeFileSync(this.strictLauncher, launcher, { mode: 0o755 });
    this.#stack.defer(() => rmSync(place.directory, { recursive: true, force: true }));
  }

  /** Through the script, as callers do; without a resident process it is one of Node. */
  start(args: readonly string[], options: StartOptions = {}): RunningCall {
    return this.#start([join(this.bin, "orlop-oci"), "--root", this.root, ...args], options);
  }

  async call(args: readonly string[], options: StartOptions = {}): Promise<CallEnd> {
    return await bounded(args.join(" "), this.start(args, options).ended);
  }

  /** Through the launcher, with nothing to fall back to: a call that the resident process does not serve fails. */
  startServed(args: readonly string[], options: StartOptions = {}): RunningCall {
    return this.#start([this.strictLauncher, "--root", this.root, ...args], options);
  }

  /** The one that the command has written for its own calls. */
  get launcher(): string {
    return join(this.directory, "cache/orlop/launchers", this.bin, "orlop-oci", LAUNCHER_FILES.launcher);
  }

  async callServed(args: readonly string[], options: StartOptions = {}): Promise<CallEnd> {
    return await bounded(args.join(" "), this.startServed(args, options).ended);
  }

  #start(words: readonly string[], { env, cwd, stdin, descriptors = [], before = [] }: StartOptions): RunningCall {
    const [file = "", ...args] = [...before, ...words];
    const outputs = ["out", "err"].map((name) => join(this.directory, `${++this.#files}.${name}`));
    const [stdout = 0, stderr = 0] = outputs.map((path) => openSync(path, "w"));
    const stdio = [stdin ?? ("ignore" as const), stdout, stderr, ...descriptors];
    const child = spawn(file, args, { stdio, env: { ...this.env, ...env }, cwd: cwd ?? this.directory });
    for (const descriptor of [stdout, stderr]) closeSync(descriptor);
    const said = (): Pick<CallEnd, "stdout" | "stderr"> => {
      const [out = "", err = ""] = outputs.map((path) => readFileSync(path, "utf8"));
      return { stdout: out, stderr: err };
    };
    // Not until its output is closed: a container keeps that open.
    const ended = once(child, "exit").then(([status, signal]): CallEnd => ({ status, signal, ...said() }));
    this.#running.add(child);
    child.on("exit", () => this.#running.delete(child));
    return { child, pid: child.pid ?? 0, said, ended };
  }

  /** Makes one call, unless there is a resident process already, and waits until the next will be served. */
  async warm(): Promise<void> {
    if (await isListening(this.place.socket)) return;
    const { status, stderr } = await this.call(["--version"]);
    assert.deepEqual([status, stderr], [0, ""]);
    await this.untilResident();
  }

  async untilResident(): Promise<void> {
    await until("a resident process", async () => ((await isListening(this.place.socket)) ? true : undefined));
  }

  /** Of this installation's resident processes; usually one. */
  residents(): readonly number[] {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && commandLine(pid).includes(join(this.bin, "oci-resident.mjs")));
  }

  get resident(): number {
    const [pid] = this.residents();
    assert(pid !== undefined, "there is a resident process");
    return pid;
  }

  async endResidents(signal: NodeJS.Signals): Promise<void> {
    for (const pid of this.residents()) kill(pid, signal);
    await until("the end of the resident process", () => (this.residents().length === 0 ? true : undefined));
  }

  /** A bundle with the busybox root, and the id of a container that is deleted with the bench. */
  bundle(args: readonly string[], { process = {}, linux = {}, top = {} }: SpecChanges = {}): Bundle {
    const id = `${this.mark}-${++this.#containers}`;
    const path = join(this.directory, id);
    const base = defaultSpec({ args, rootPath: this.rootfs });
    assert(base.process !== undefined);
    const spec: RuntimeSpec = {
      ...base,
      mounts: (base.mounts ?? []).filter(({ type }) => type !== "cgroup"),
      ...top,
      process: { ...base.process, env: ["PATH=/bin"], terminal: false, ...process },
      linux: { ...base.linux, cgroupsPath: `/${id}`, ...linux },
    };
    mkdirSync(path);
    writeBundle(path, spec);
    return { id, path };
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Opened until the test ends. */
  open(path: string, flags: string): number {
    const descriptor = openSync(path, flags);
    this.#stack.defer(() => closeSync(descriptor));
    return descriptor;
  }

  /** Of a container, as the command says it. */
  async state(id: string): Promise<{ readonly status: string; readonly pid: number }> {
    const { stdout } = await this.call(["state", id]);
    return JSON.parse(stdout);
  }

  /** What is there now; {@link expectNothingLeft} then takes everything else for a leak. */
  remember(): KernelState {
    return snapshotKernelState({ mark: this.mark, directories: [this.root], keptDirectories: [this.root] });
  }

  /** Of containers and calls: no process, cgroup, mount, namespace or file of theirs. */
  async expectNothingLeft(before: KernelState): Promise<void> {
    await assertNoLeakSince(before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    // Node does it, and starts nobody: what is left here is left by a test that failed.
    const env = { ORLOP_OCI_RESIDENT: "0" };
    for (const id of existsSync(this.root) ? readdirSync(this.root) : []) {
      await this.call(["delete", "--force", id], { env });
    }
    await this.endResidents("SIGKILL");
    await this.#stack.disposeAsync();
  }
}

/** A package with a directory of commands of its own, which no link leads out of. */
function installCommand(directory: string, sources: "linked" | "copied"): string {
  const bin = join(directory, "bin");
  cpSync(join(PACKAGE, "bin"), bin, { recursive: true });
  for (const name of ["src", "package.json"]) {
    const path = join(directory, name);
    if (sources === "copied") cpSync(join(PACKAGE, name), path, { recursive: true });
    else symlinkSync(join(PACKAGE, name), path);
  }
  symlinkSync(join(PACKAGE, "../../node_modules"), join(directory, "node_modules"));
  return bin;
}

/** A container's name and the directory with its config. */
interface Bundle {
  readonly id: string;
  readonly path: string;
}

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Runs `work` with a command of its own; skips where containers cannot be tried. */
export async function withCommand(t: TestContext, work: (bench: CommandBench) => Promise<void>): Promise<void> {
  const obstacle = rootObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  await using bench = new CommandBench();
  await work(bench);
}
