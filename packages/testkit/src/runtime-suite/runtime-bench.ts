import { execFile } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { CreateRequest, ExecRequest, ExitStatus, Process, Runtime, RuntimeSpec, Stdio } from "@orlop/core";
import { baseSpec, withProcess } from "../configs/base-spec.ts";
import { patience } from "../patience.ts";
import { makeBusyboxRootfs } from "../rootfs.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import type { MakeRuntime, RuntimeSuiteSubject } from "./suite-subject.ts";

const waitTimeMaxMs = patience(10_000);

/** In everything that this process's suites make. */
export const SUITE_MARK: string = `orlop-suite-${process.pid}`;

let benches = 0;

/** Looks again until there is an answer other than undefined. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + waitTimeMaxMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${waitTimeMaxMs} ms for ${what}`);
    await sleep(5);
  }
}

/** What one test of the suite works with: a runtime, a root file system, and files for what containers print. */
export class RuntimeBench implements AsyncDisposable {
  readonly runtime: Runtime;
  /** Part of every container's id. */
  readonly mark: string;
  /** Of the test: bundle, root file system, outputs. */
  readonly directory: string;
  readonly stateDirectory: string;
  readonly rootfs: string;
  readonly #make: MakeRuntime;
  readonly #stack: AsyncDisposableStack;
  readonly #descriptors: number[] = [];
  #containers = 0;

  private constructor(make: MakeRuntime, stack: AsyncDisposableStack, directory: string, subject: RuntimeSuiteSubject) {
    this.#make = make;
    this.#stack = stack;
    this.directory = directory;
    this.stateDirectory = join(directory, "state");
    this.rootfs = join(directory, "rootfs");
    this.runtime = subject.runtime;
    this.mark = `${SUITE_MARK}-${++benches}`;
  }

  static async open(make: MakeRuntime): Promise<RuntimeBench> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(temporaryDirectory("orlop-suite-")).path;
    mkdirSync(join(directory, "state"));
    makeBusyboxRootfs(join(directory, "rootfs"));
    const subject = stack.use(await make(join(directory, "state")));
    return new RuntimeBench(make, stack.move(), directory, subject);
  }

  /** Another runtime on the same state, as after a restart. */
  async another(): Promise<Runtime> {
    return this.#stack.use(await this.#make(this.stateDirectory)).runtime;
  }

  /** A container that the test makes; it is deleted with the bench, whatever becomes of the test. */
  newId(): string {
    const id = `${this.mark}-${++this.#containers}`;
    this.#stack.defer(() => this.runtime.delete(id, { force: true }));
    return id;
  }

  /** Paths below the test's directory, by a name that is unique in the test. */
  path(name: string): string {
    return join(this.directory, name);
  }

  stdio(name: string): Stdio {
    return { stdin: "null", stdout: { path: this.path(`${name}.out`) }, stderr: { path: this.path(`${name}.err`) } };
  }

  /** The path of a FIFO that nobody has open. */
  async fifo(name: string): Promise<string> {
    const path = this.path(`${name}.fifo`);
    await promisify(execFile)("mkfifo", [path]);
    return path;
  }

  /** Standard input from a FIFO that stays open at our end: it never ends by itself. */
  async stdioWithFifo(name: string): Promise<Stdio & { readonly stdin: { readonly path: string } }> {
    const path = await this.fifo(name);
    this.#descriptors.push(openSync(path, "r+"));
    return { ...this.stdio(name), stdin: { path } };
  }

  /** What the container or exec of this name has printed so far. */
  output(name: string, which: "out" | "err" = "out"): string {
    const path = this.path(`${name}.${which}`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async outputHas(name: string, text: string): Promise<void> {
    await until(`"${text}" from ${name}`, () => (this.output(name).includes(text) ? true : undefined));
  }

  /** What engines ask for, less the cgroup mount: a VM or a sentry has no cgroups of the host to show. */
  spec(id: string, process: Partial<Process>): RuntimeSpec {
    const base = baseSpec({ id });
    const mounts = (base.mounts ?? []).filter(({ type }) => type !== "cgroup");
    return withProcess({ ...base, mounts }, { env: ["PATH=/bin"], ...process });
  }

  /** A request for a container that runs a shell script; `id` is also the name of its outputs. */
  request(script: string, changes: Partial<CreateRequest> = {}): CreateRequest {
    const id = changes.id ?? this.newId();
    const spec = this.spec(id, { args: ["/bin/sh", "-c", script] });
    return { id, bundle: this.directory, spec, stdio: this.stdio(id), ...changes };
  }

  execRequest(id: string, execId: string, script: string, changes: Partial<ExecRequest> = {}): ExecRequest {
    const process: Process = {
      user: { uid: 0, gid: 0 },
      args: ["/bin/sh", "-c", script],
      env: ["PATH=/bin"],
      cwd: "/",
    };
    return { id, execId, process, stdio: this.stdio(execId), ...changes };
  }

  /** Creates and starts; gives the id. */
  async start(script: string, changes: Partial<CreateRequest> = {}): Promise<string> {
    const request = this.request(script, changes);
    await this.runtime.create(request);
    await this.runtime.start(request.id);
    return request.id;
  }

  /** Creates, starts, waits and deletes. */
  async run(script: string, changes: Partial<CreateRequest> = {}): Promise<ExitStatus & { readonly id: string }> {
    const id = await this.start(script, changes);
    const status = await this.runtime.wait(id);
    await this.runtime.delete(id);
    return { ...status, id };
  }

  async end(id: string): Promise<void> {
    await this.runtime.delete(id, { force: true });
  }

  /** Closes what the test itself holds open, so that what is still open then is the runtime's. */
  release(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return this.#stack.disposeAsync();
  }
}
