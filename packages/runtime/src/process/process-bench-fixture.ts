import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type CreateRequest,
  defaultSpec,
  type ExecRequest,
  type ExitStatus,
  type Linux,
  type Mount,
  type Process,
  type RuntimeSpec,
  type Stdio,
} from "@orlop/core";
import { type Program, Zygote } from "@orlop/kernel";
import {
  assertNoLeakSince,
  busyboxObstacle,
  type LeakScope,
  makeBusyboxRootfs,
  patience,
  snapshotKernelState,
  temporaryDirectory,
} from "@orlop/testkit";
import { ProcessRuntime } from "./process-runtime.ts";
import type { ProcessRuntimeOptions } from "./process-runtime-options.ts";

/** Longer than anything here takes, on a busy machine too. */
const PATIENCE_MS = patience(15_000);

/** In the ids of everything that this process's tests make. */
const MARK: string = `orlop-process-${process.pid}`;

let benches = 0;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Why containers cannot be tried here, or undefined when they can. */
export function rootObstacle(): string | undefined {
  return isRoot() ? busyboxObstacle() : "needs root";
}

/** Why containers cannot be tried here as an ordinary user, or undefined when they can. */
function rootlessObstacle(): string | undefined {
  if (isRoot()) return "needs an ordinary user";
  const allowed = spawnSync("unshare", ["--user", "--map-root-user", "true"]).status === 0;
  return allowed ? busyboxObstacle() : "needs user namespaces for ordinary users";
}

/** What an ordinary user's container needs to be different: a user namespace with the one id that there is to map. */
function rootlessSpec(spec: RuntimeSpec): RuntimeSpec {
  const map = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
  const withoutTtyGroup = (mount: Mount): Mount =>
    mount.type === "devpts"
      ? { ...mount, options: (mount.options ?? []).filter((option) => option !== "gid=5") }
      : mount;
  const { linux = {} } = spec;
  return {
    ...spec,
    mounts: (spec.mounts ?? []).map(withoutTtyGroup),
    linux: {
      uidMappings: map(process.getuid?.() ?? 0),
      gidMappings: map(process.getgid?.() ?? 0),
      ...linux,
      namespaces: [...(linux.namespaces ?? []), { type: "user" }],
    },
  };
}

/** Rejects when `promise` takes longer than anything here may. */
export async function bounded<T>(what: string, promise: Promise<T>, timeMaxMs: number = PATIENCE_MS): Promise<T> {
  const timer = new AbortController();
  const late = sleep(timeMaxMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} took longer than ${timeMaxMs} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Looks again until there is an answer other than undefined. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await sleep(5);
  }
}

interface BenchOptions extends Partial<ProcessRuntimeOptions> {
  /** The test is one for an ordinary user. */
  readonly rootless?: boolean;
}

export interface SpecChanges {
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Linux>;
  readonly top?: Partial<RuntimeSpec>;
}

/** What one test works with: a runtime, a root file system, files for what containers print, and a zygote to meddle with. */
export class ProcessBench implements AsyncDisposable {
  /** Part of every container's id. */
  readonly mark: string;
  readonly directory: string;
  readonly stateDirectory: string;
  readonly rootfs: string;
  readonly runtime: ProcessRuntime;
  /** Changes a program before it is sent. */
  mutate: (program: Program) => Program = (program) => program;
  readonly zygotes: Zygote[] = [];
  readonly #stack = new AsyncDisposableStack();
  readonly #descriptors: number[] = [];
  #containers = 0;

  constructor(options: Partial<ProcessRuntimeOptions> = {}) {
    this.mark = `${MARK}-${++benches}`;
    this.directory = this.#stack.use(temporaryDirectory("orlop-process-")).path;
    this.stateDirectory = join(this.directory, "state");
    this.rootfs = join(this.directory, "rootfs");
    makeBusyboxRootfs(this.rootfs);
    this.runtime = this.another(options);
  }

  /** Another runtime on the same state, as after a restart. */
  another(options: Partial<ProcessRuntimeOptions> = {}): ProcessRuntime {
    const startZygote = (): Zygote => {
      const zygote = Zygote.start({ stdio: options.stdio ?? "ignore" });
      this.zygotes.push(zygote);
      const submit = zygote.submit.bind(zygote);
      zygote.submit = (program, onReport) => submit(this.mutate(program), onReport);
      return zygote;
    };
    const runtime = new ProcessRuntime({ root: this.stateDirectory, startZygote, ...options });
    this.#stack.defer(() => runtime.close());
    return runtime;
  }

  get zygote(): Zygote {
    const zygote = this.zygotes.at(-1);
    assert(zygote !== undefined, "the zygote starts with the first container");
    return zygote;
  }

  /** At the end of the test, before the runtimes go. */
  defer(work: () => void | Promise<void>): void {
    this.#stack.defer(work);
  }

  /** A container that the test makes; it is deleted with the bench, whatever becomes of the test. */
  newId(): string {
    const id = `${this.mark}-${++this.#containers}`;
    this.#stack.defer(() => bounded(`deleting ${id}`, this.runtime.delete(id, { force: true })));
    return id;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A directory of the test. */
  makeDirectory(name: string): string {
    mkdirSync(this.path(name));
    return this.path(name);
  }

  fifo(name: string): string {
    execFileSync("mkfifo", [this.path(name)]);
    return this.path(name);
  }

  /** Opened for reading and writing, until the test ends. */
  open(path: string, flags: string | number = "r+"): number {
    const descriptor = openSync(path, flags);
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  closeDescriptors(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }

  stdio(name: string): Stdio {
    return { stdin: "null", stdout: { path: this.path(`${name}.out`) }, stderr: { path: this.path(`${name}.err`) } };
  }

  /** What the container or exec of this name has printed so far. */
  output(name: string, which: "out" | "err" = "out"): string {
    const path = this.path(`${name}.${which}`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async outputHas(name: string, text: string): Promise<void> {
    await until(`"${text}" from ${name}`, () => (this.output(name).includes(text) ? true : undefined));
  }

  /** The default config with `changes`, and without the cgroup mount, which most tests here have no use for. */
  spec(args: readonly string[], { process = {}, linux = {}, top = {} }: SpecChanges = {}): RuntimeSpec {
    const base = defaultSpec({ args, rootPath: this.rootfs });
    assert(base.process !== undefined);
    const spec = {
      ...base,
      mounts: (base.mounts ?? []).filter(({ type }) => type !== "cgroup"),
      ...top,
      process: { ...base.process, env: ["PATH=/bin"], ...process },
      linux: { ...base.linux, ...linux },
    };
    return isRoot() ? spec : rootlessSpec(spec);
  }

  /** A request for a container that runs a shell script; its id names its outputs. */
  request(script: string, changes: SpecChanges & { readonly request?: Partial<CreateRequest> } = {}): CreateRequest {
    const id = changes.request?.id ?? this.newId();
    const spec = this.spec(["/bin/sh", "-c", script], changes);
    return { id, bundle: this.directory, spec, stdio: this.stdio(id), ...changes.request };
  }

  execRequest(id: string, execId: string, script: string, process: Partial<Process> = {}): ExecRequest {
    // Those of the container's init: with fewer, an exec may not look at it.
    const { capabilities = {} } = defaultSpec().process ?? {};
    const user = { uid: 0, gid: 0 };
    const asked = { user, args: ["/bin/sh", "-c", script], env: ["PATH=/bin"], cwd: "/", capabilities };
    return { id, execId, process: { ...asked, ...process }, stdio: this.stdio(execId) };
  }

  /** Creates and starts; gives the id. */
  async start(...request: Parameters<ProcessBench["request"]>): Promise<string> {
    const made = this.request(...request);
    await this.runtime.run(made);
    return made.id;
  }

  /** Creates, starts, waits and deletes. */
  async run(...request: Parameters<ProcessBench["request"]>): Promise<ExitStatus & { readonly output: string }> {
    const id = await this.start(...request);
    const status = await bounded(`waiting for ${id}`, this.runtime.wait(id));
    await this.runtime.delete(id);
    return { ...status, output: this.output(id) };
  }

  /** Executes a script in a running container, and gives what it printed. */
  async exec(id: string, execId: string, script: string): Promise<string> {
    await this.runtime.exec(this.execRequest(id, execId, script));
    await bounded(`waiting for ${execId}`, this.runtime.wait(id, { execId }));
    return this.output(execId);
  }

  get scope(): LeakScope {
    return { mark: this.mark, directories: [this.directory], keptDirectories: [this.stateDirectory] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeDescriptors();
    await this.#stack.disposeAsync();
  }
}

/**
 * Runs `work` with a bench, and fails when a process, namespace, mount, cgroup, descriptor or state file is left by the
 * containers, or anything at all once the runtime is closed. Skips where containers cannot be tried.
 */
export async function withBench(
  t: TestContext,
  work: (bench: ProcessBench) => Promise<void>,
  options: BenchOptions = {},
): Promise<void> {
  const obstacle = options.rootless === true ? rootlessObstacle() : rootObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  // Node's descriptor for watching files is made once and stays.
  watch(import.meta.dirname).close();
  const outside = snapshotKernelState({ mark: MARK, directories: [] });
  {
    await using bench = new ProcessBench(options);
    // The zygote starts with the first container, and is no leak.
    await bench.run("true");
    const before = snapshotKernelState(bench.scope);
    const { zygote } = bench;
    await work(bench);
    bench.closeDescriptors();
    // Another zygote has descriptors of its own; what else is left shows when everything is closed.
    if (bench.zygote === zygote) await assertNoLeakSince(before);
    assert.deepEqual(readdirSync(bench.stateDirectory), []);
  }
  await assertNoLeakSince(outside);
}
