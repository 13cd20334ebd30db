import {
  closeSync,
  constants as fs,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import { isAbsolute, join } from "node:path";
import { type CreateRequest, type ExitStatus, OrlopError, type RootFilesystem, type State } from "@orlop/core";
import { decodeReport, hostArchitecture, type Program, type Report, Zygote } from "@orlop/kernel";
import type { CreatePlan, HostView } from "./compilation.ts";
import { compileCreate } from "./compile-create.ts";
import { encodeCommand } from "./control-command.ts";
import { programFailure } from "./program-failure.ts";

const CLD_EXITED = 1;

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** One container of this process, followed through its program's reports. */
class Container {
  readonly created: Deferred<number> = deferred();
  readonly started: Deferred<void> = deferred();
  readonly exited: Deferred<ExitStatus> = deferred();
  readonly ended: Deferred<void> = deferred();
  readonly #program: Program;
  #failure: OrlopError | undefined;
  #created = false;

  constructor(program: Program) {
    this.#program = program;
  }

  readonly onReport = (report: Report): void => {
    switch (report.kind) {
      case "failed":
        this.#failure ??= programFailure(this.#program, report.index, report.value);
        return;
      case "created":
        this.#created = true;
        return this.created.resolve(report.value);
      case "started":
        if (this.#failure === undefined) this.started.resolve();
        return;
      case "exited":
        return this.exited.resolve(exitStatus(report));
      case "unstarted":
        this.#failure = new OrlopError("exhausted", `Cannot start container: clone failed with errno ${report.value}`);
        return this.#end();
      case "ended":
        return this.#end();
      default:
        return;
    }
  };

  #end(): void {
    const early = new OrlopError("failed", "Cannot create container: init was killed before it was ready");
    const failure = this.#failure ?? (this.#created ? undefined : early);
    if (failure !== undefined) {
      this.created.reject(failure);
      this.started.reject(failure);
      this.exited.reject(failure);
    }
    this.started.resolve();
    this.ended.resolve();
  }
}

function exitStatus(report: Report): ExitStatus {
  const exited = report.index === CLD_EXITED;
  const { rusage } = report;
  const view = new DataView(rusage.buffer, rusage.byteOffset, rusage.byteLength);
  const microseconds = (at: number): number =>
    Number(view.getBigInt64(at, true)) * 1_000_000 + Number(view.getBigInt64(at + 8, true));
  return {
    exitCode: exited ? report.value : 128 + report.value,
    signal: exited ? undefined : report.value,
    oomKilled: false,
    exitedAtMs: report.atMs,
    usage: {
      userMicroseconds: microseconds(0),
      systemMicroseconds: microseconds(16),
      residentMaxBytes: Number(view.getBigInt64(32, true)) * 1024,
    },
  };
}

export interface ProcessRuntimeOptions {
  /** Directory on tmpfs for the state of containers. */
  readonly root: string;
  readonly stdio?: "inherit" | "ignore";
}

/** Containers as processes of this kernel, made by programs through a zygote. */
export class ProcessRuntime {
  readonly name = "process";
  readonly #root: string;
  readonly #zygote: Zygote;
  readonly #host: HostView;
  readonly #containers = new Map<string, Container>();

  constructor(options: ProcessRuntimeOptions) {
    this.#root = options.root;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#zygote = Zygote.start({ stdio: options.stdio ?? "ignore" });
    this.#host = hostView();
  }

  /** Makes and starts a container in one go: no start command is waited for. */
  async run(request: CreateRequest): Promise<void> {
    const container = this.#submit(request, false);
    await container.started.promise.catch(async (error) => {
      await container.ended.promise;
      this.#forget(request.id);
      throw error;
    });
  }

  async create(request: CreateRequest): Promise<State> {
    const container = this.#submit(request, true);
    try {
      const pid = await container.created.promise;
      return { ociVersion: "1.3.0", id: request.id, status: "created", pid, bundle: request.bundle };
    } catch (error) {
      await container.ended.promise;
      this.#forget(request.id);
      throw error;
    }
  }

  async start(id: string): Promise<void> {
    this.#command(id, "start");
    await this.#find(id).started.promise;
  }

  async signal(id: string, signal: number): Promise<void> {
    this.#command(id, "signal", signal);
  }

  async wait(id: string): Promise<ExitStatus> {
    return await this.#find(id).exited.promise;
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const container = this.#containers.get(id);
    if (container !== undefined) {
      if (options.force) {
        try {
          this.#command(id, "signal", constants.signals.SIGKILL);
        } catch {}
      }
      await container.ended.promise;
    }
    this.#forget(id);
  }

  close(): void {
    this.#zygote.close();
  }

  #submit(request: CreateRequest, startOnCommand: boolean): Container {
    const stateDirectory = join(this.#root, request.id);
    const program = compileCreate({
      request,
      rootfs: request.rootfs ?? directoryRoot(request),
      stateDirectory,
      startOnCommand,
      host: this.#host,
    });
    try {
      mkdirSync(stateDirectory, { mode: 0o700 });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      throw new OrlopError("exists", `Cannot create container "${request.id}": a container of this id exists`, {
        cause,
      });
    }
    const container = new Container(program);
    this.#containers.set(request.id, container);
    this.#zygote.submit(program, container.onReport);
    return container;
  }

  #find(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new OrlopError("not-found", `Cannot find container "${id}": it does not exist`);
    return container;
  }

  #forget(id: string): void {
    this.#containers.delete(id);
    rmSync(join(this.#root, id), { recursive: true, force: true });
  }

  #command(id: string, kind: Parameters<typeof encodeCommand>[0], argument = 0): void {
    const fd = openSync(join(this.#root, id, "control"), fs.O_WRONLY | fs.O_NONBLOCK);
    try {
      writeSync(fd, encodeCommand(kind, argument));
    } finally {
      closeSync(fd);
    }
  }
}

function directoryRoot({ spec, bundle }: CreateRequest): RootFilesystem {
  const { path } = spec.root;
  return { kind: "directory", path: isAbsolute(path) ? path : join(bundle, path) };
}

function hostView(): HostView {
  return {
    architecture: hostArchitecture(),
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    pid: process.pid,
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    fileKind(path) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      return stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
    },
  };
}
