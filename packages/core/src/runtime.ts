import type { LinuxResources, Process, RuntimeSpec, State } from "./oci/runtime-spec.ts";

/** How many ended execs of a container can be asked for their exit status, at least. */
export const EXECS_REMEMBERED_MIN = 64;

/**
 * The `Runtime` contract: one way to isolate a workload.
 *
 * ## The life of a container
 *
 * A container is known by its `id`, which the caller chooses and which is unique within one runtime.
 *
 *     create ──> created ──start──> running ──(init ends)──> stopped ──delete──> gone
 *                   │                 │  ^
 *                   │             pause  resume
 *                   │                 v  │
 *                   └──signal──>    paused
 *
 * `create` makes everything the workload will live in, and stops short of executing the user's program. `start`
 * executes it. `exec` adds a process to a running container; it has an `execId`, unique in the container, and a life of
 * its own: it ends on its own or with the container. The container's own process is called *init*. `delete` is allowed
 * when init has ended, or with `force` at any time; it removes everything that `create` made. Afterwards the id may be
 * used again. An exit status can be asked for from the exit until `delete`, by any number of waiters, also by a process
 * that was started after the exit. Execs that have ended are an exception: of one container's, a handler may forget all
 * but {@link EXECS_REMEMBERED_MIN}, those first that somebody has waited for, then those that ended longest ago. The id of
 * a forgotten one is unknown, and may be used again.
 *
 * What the table above does not hold is refused with the code `conflict`; an unknown id gives `not-found`; an operation
 * that a handler does not have gives `unsupported` and is listed as such in {@link RuntimeFeatures}.
 *
 * ## How the five kinds of handler fit
 *
 * - *process*: `create` sets up namespaces and file systems; init is a process of this kernel.
 * - *microVM*: the machine boots at the first `create` of a `sandbox`; further containers of the same sandbox are made in
 *   it; it ends with its last container. `stats` are the guest's, plus what the VMM costs.
 * - *user-space kernel*: like process, with the kernel's answers given by the handler; `pid` is the sentry's.
 * - *wasm*: `create` compiles the module, `start` calls its entry; there are no pids and no `exec`.
 * - *foreign runtime or shim*: every method is one command or one call of it; `features` is what it reports.
 */
export interface Runtime {
  /** Name of the handler: `process`, `vm`, `oci:runc`. */
  readonly name: string;
  features(): Promise<RuntimeFeatures>;
  /** Resolves when init is ready to start. On failure nothing is left. Throws `exists` for a known id. */
  create(request: CreateRequest): Promise<State>;
  /** Resolves when the user's program has been executed; a program that cannot be executed rejects. */
  start(id: string): Promise<void>;
  /** `create` and `start` in one go, where a handler can do so sooner. On failure nothing is left. */
  run?(request: CreateRequest): Promise<State>;
  exec(request: ExecRequest): Promise<StartedExec>;
  /** Sends a signal to init, to one exec, or (`all`) to every process in the container. */
  signal(id: string, signal: number, target?: SignalTarget): Promise<void>;
  /** Resolves when init (or the exec) has ended; at once when it already has. */
  wait(id: string, options?: WaitOptions): Promise<ExitStatus>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  update(id: string, resources: LinuxResources): Promise<void>;
  stats(id: string): Promise<ContainerStats>;
  /** Process ids inside the container, as the host numbers them; empty where there are none to see. */
  pids(id: string): Promise<readonly number[]>;
  resize(id: string, size: WindowSize, options?: { readonly execId?: string }): Promise<void>;
  /** Saves the processes of a running or paused container; not its files. */
  checkpoint(id: string, options: CheckpointOptions): Promise<void>;
  /** Makes a container as `run` does, with the processes that a checkpoint has saved. On failure nothing is left. */
  restore?(request: CreateRequest, options: RestoreOptions): Promise<State>;
  /** Removes a stopped container; with `force` ends a running one first, and an unknown id is no error. */
  delete(id: string, options?: { readonly force?: boolean }): Promise<void>;
  state(id: string): Promise<State>;
  list(): Promise<readonly State[]>;
  /**
   * Those of many running containers, by their ids and the pids of their inits, that may have ended since: a look which costs far less
   * than the state of each, and after which that has to be asked only of those. Whether one is paused it does not see.
   */
  mayHaveEnded?(inits: ReadonlyMap<string, number>): ReadonlySet<string>;
}

/** What a handler can do; a method whose feature is false throws `unsupported`. */
export interface RuntimeFeatures {
  readonly exec: boolean;
  readonly pause: boolean;
  readonly update: boolean;
  readonly checkpoint: boolean;
  readonly terminal: boolean;
  /** Several containers share one `sandbox`. */
  readonly sandboxes: boolean;
  /** `isolation` at least as strong as named, weakest first. */
  readonly isolation: "process" | "wasm" | "sentry" | "vm";
}

export interface CreateRequest {
  readonly id: string;
  /** Absolute path that relative paths of the spec start from. */
  readonly bundle: string;
  readonly spec: RuntimeSpec;
  /** Where the root file system comes from; absent: the directory `spec.root.path`. */
  readonly rootfs?: RootFilesystem;
  readonly stdio: Stdio;
  /** Containers with the same sandbox may share what the handler isolates by (a VM). */
  readonly sandbox?: string;
  /** The container outlives the process that made it. Otherwise it is ended when that process ends. */
  readonly detached?: boolean;
  /**
   * Run a small init as pid 1 that forwards signals and reaps orphans; `alone`: without a program for it to start. `process`
   * then tells what it is started with as (user, filter, limits), its `args` mean nothing, and nothing of the root file
   * system is executed. It ends with SIGTERM, SIGINT, or SIGKILL. Refused with `unsupported` by who has no such init.
   */
  readonly init?: boolean | "alone";
  /**
   * Path of a user namespace of this user's: the new one that the spec asks for becomes a child of it. What has rights there
   * has them over all namespaces of the container. It maps every id of the container's to itself; refused with `unsupported`
   * by who makes its user namespaces otherwise.
   */
  readonly userNamespaceParent?: string;
  /** Init is killed when it has run for so long, whoever may be there then; refused with `unsupported` by who cannot. */
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}

export interface ExecRequest {
  readonly id: string;
  readonly execId: string;
  readonly process: Process;
  readonly stdio: Stdio;
  /**
   * Bytes that let go of a process with a terminal, when they come in its input: nothing of the terminal is passed on any more,
   * the caller's streams are closed, and the process goes on, with nobody at its terminal, also when its maker ends. At most
   * {@link DETACH_KEYS_MAX}; refused with `invalid` for a process without a terminal, with `unsupported` by who cannot.
   */
  readonly detachKeys?: readonly number[];
  readonly signal?: AbortSignal;
}

export const DETACH_KEYS_MAX = 64;

export interface StartedExec {
  readonly pid: number | undefined;
  /** Resolves when somebody has typed the keys that let go of it; absent where nobody can. */
  readonly detached?: Promise<void>;
}

export interface SignalTarget {
  readonly execId?: string;
  readonly all?: boolean;
}

export interface WaitOptions {
  readonly execId?: string;
  readonly signal?: AbortSignal;
}

/**
 * A root file system, described so that a process handler can mount it inside the container's own mount namespace
 * (nothing is mounted on the host) and a VM handler can hand it over as devices or shares.
 */
export type RootFilesystem =
  /** A directory, used as it is. */
  | { readonly kind: "directory"; readonly path: string }
  /** Read-only layers, uppermost first, with writes kept in `upper` or, with "discard", in memory until the end. */
  | { readonly kind: "overlay"; readonly lower: readonly OverlayLayer[]; readonly writes: OverlayWrites }
  | DiskFileSystem
  /** A tree put together entry by entry, parents before children, on an empty file system in memory. */
  | { readonly kind: "tree"; readonly base?: undefined; readonly entries: readonly TreeEntry[] }
  /** The same on what holds files already: places are made in it where they are missing. */
  | { readonly kind: "tree"; readonly base: TreeBase; readonly entries: readonly MountedEntry[] };

/** A file system on a block device of its own, which the kernel mounts for root of the machine alone. */
export interface DiskFileSystem {
  readonly kind: "disk";
  /** `ext4`, `xfs`. */
  readonly type: string;
  /** Path of the device, or of a file that is made one. */
  readonly source: string;
  /** The source is a file. */
  readonly loop: boolean;
  readonly readonly: boolean;
  /** Of mount(8), for the file system. */
  readonly options: readonly string[];
}

export type TreeBase = Extract<RootFilesystem, { readonly kind: "directory" | "overlay" }>;

/** A directory, or an EROFS image in a file, which the kernel mounts from there (Linux 6.12, as root of the machine). */
export type OverlayLayer = string | ErofsLayerFiles;

export interface ErofsLayerFiles {
  readonly erofs: string;
  /** A second file, which the image has the content of its files in: its first extra device. */
  readonly device?: string;
}

export type OverlayWrites = "discard" | KeptWrites;

/**
 * Directories on one file system, which an overlay can have for this: `upper` receives what is written, with nothing in it
 * that refers to the layers below by name; `work` is the kernel's. They may lie below a layer, where the container is then
 * kept from looking into `upper` by an error (ELOOP).
 */
export interface KeptWrites {
  readonly upper: string;
  readonly work: string;
  /**
   * What is written is of no use after a crash of the machine: nothing waits for the disk, not at the end of the container
   * either, when the kernel would sync all of the file system that `upper` is on. The directories can be mounted so once
   * (overlayfs.rst, "Volatile mount").
   */
  readonly volatile?: boolean;
}

/** `path` is relative to the new root and has no `.` or `..`. */
export type TreeEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | MountedEntry;

export type MountedEntry =
  /** A directory whose content is `lower`. What is written is kept in `writes`; absent: it is discarded at the end. */
  | { readonly kind: "overlay"; readonly path: string; readonly lower: string; readonly writes?: KeptWrites }
  /** A host path bound read-only; a directory unless `file`. */
  | { readonly kind: "bind"; readonly path: string; readonly source: string; readonly file: boolean };

/**
 * One of the three standard descriptors. A path is opened by the runtime: a file is appended to. A FIFO is not waited for:
 *
 * - as an output it stays open, readers may come and go;
 * - as an input that somebody has open for writing when the process is made, it ends with the last who has;
 * - as an input that nobody has open for writing then, it stays open, writers may come and go.
 */
export type StdioTarget = "inherit" | "null" | { readonly fd: number } | { readonly path: string };

/**
 * With a terminal, who takes no more of its output (`stdout` is a pipe or terminal without another end) has hung up: SIGHUP
 * for its session, EIO for what is written to it, and an end of its input. A detached container's output is dropped then.
 */
export interface Stdio {
  readonly stdin: StdioTarget;
  readonly stdout: StdioTarget;
  /** Ignored with a terminal, which has one output. */
  readonly stderr: StdioTarget;
  /** With `process.terminal`: a listening unix socket that receives the terminal's descriptor (OCI console socket). */
  readonly consoleSocket?: string;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** How a process ended. `exitCode` is 128 + n where signal n ended it, as a shell reports it. */
export interface ExitStatus {
  readonly exitCode: number;
  /** Number of the signal that ended it. */
  readonly signal: number | undefined;
  /** The kernel killed something in the container for lack of memory. */
  readonly oomKilled: boolean;
  /** Unix time in milliseconds. */
  readonly exitedAtMs: number;
  readonly usage: ResourceUsage | undefined;
}

/** Of the process and its waited-for children: struct rusage. */
export interface ResourceUsage {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
  readonly residentMaxBytes: number;
}

/** A reading of the container's counters; a group that the kernel or handler does not offer is absent. */
export interface ContainerStats {
  readonly readAtMs: number;
  readonly cpu?: {
    readonly usageNanoseconds: bigint;
    readonly userNanoseconds: bigint;
    readonly systemNanoseconds: bigint;
  };
  readonly memory?: {
    readonly usageBytes: bigint;
    /** Usage less the inactive file cache: what Kubernetes calls the working set. */
    readonly workingSetBytes: bigint;
    readonly limitBytes: bigint | undefined;
    readonly oomKills: bigint;
  };
  readonly pids?: { readonly current: number; readonly limit: number | undefined };
  readonly io?: { readonly readBytes: bigint; readonly writeBytes: bigint };
}

/** What a checkpoint and the restore from it are both told. */
interface CheckpointChoices {
  /** Absolute path of the directory that the images are in. */
  readonly imagePath: string;
  /** Absolute path of the directory that logs go to; absent: that of the images. */
  readonly workPath?: string;
  /** Keep TCP connections that are established; without it they fail the checkpoint. */
  readonly tcpEstablished?: boolean;
  /** Keep file locks; without it they fail the checkpoint. */
  readonly fileLocks?: boolean;
}

/** After a checkpoint that succeeds init has been killed, unless it was to be left running; one that fails changes nothing. */
export interface CheckpointOptions extends CheckpointChoices {
  readonly leaveRunning?: boolean;
}

export interface RestoreOptions extends CheckpointChoices {
  /** Called when init's namespaces are there, with nothing in them, and waited for: what connects it with networks. */
  connect?(pid: number): Promise<void>;
}
