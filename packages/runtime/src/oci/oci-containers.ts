import type { LinuxResources, Process, RuntimeSpec, State } from "@orlop/core";
import type { CgroupStats } from "@orlop/kernel";
import type { DumpChoices } from "../criu/dump-container.ts";
import type { RestoreChoices } from "../criu/plan-restore.ts";
import type { SchemataChange } from "../resctrl/change-schemata.ts";
import type { ResctrlStats } from "../resctrl/read-resctrl.ts";
import type { Hands } from "./hands.ts";
import type { KeptCalls } from "./kept-calls.ts";

/**
 * Containers as an OCI runtime command makes and finds them: without a process of ours that stays. Init is the caller's
 * orphan (its subreaper's child), its exit status is the caller's to wait for, and all that is known of a container lies
 * in files below the root, where every later call finds it.
 *
 * Every method throws OrlopError: `not-found` for an unknown id, `conflict` for a state that does not allow it, `failed`
 * for a container whose files are damaged. A container that is only half made is one that is `creating` as long as its
 * maker lives, and `not-found` afterwards; `delete` removes what is left of it.
 *
 * Calls may come from several processes at once. What decides a race is a file of the root that is made, renamed or
 * removed in one step; the loser sees `exists`, `conflict` or `not-found`.
 */
export interface OciContainers {
  /** Resolves when init waits for `start`. On failure nothing is left. Throws `exists` for a known id. */
  create(request: OciCreate): Promise<State>;
  /** Creates, starts, waits and, unless `keep`, deletes, as the caller's own process: ends in `hands.become`. */
  run(request: OciRun): Promise<void>;
  /** Resolves when the user's program has been executed. When it cannot be, the container is gone afterwards. */
  start(id: string): Promise<void>;
  /** One more process, which the caller's subreaper gets; resolves when its program has been executed. */
  exec(request: OciExec): Promise<{ readonly pid: number }>;
  /** The same, waited for by the caller's own process: ends in `hands.become`. */
  execForeground(request: OciExec): Promise<void>;
  state(id: string): Promise<OciState>;
  /** Of all containers that can be read; what cannot be is passed to `warn`. */
  list(): Promise<readonly OciState[]>;
  /** To init, or with `all` to every process of the container's cgroup. Signal 0 only asks. */
  signal(id: string, signal: number, options: { readonly all: boolean }): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Changes what is given and leaves the rest. */
  update(id: string, resources: LinuxResources, schemata?: SchemataChange): Promise<void>;
  stats(id: string): Promise<OciStats>;
  /**
   * Saves a running or paused container and deletes it, unless it is to go on. On failure it goes on, and nothing but a
   * log is in the image directory. Throws `unsupported` without CRIU.
   */
  checkpoint(request: OciCheckpoint): Promise<void>;
  /**
   * As `create` and `start`, or, unless detached, as `run`, with the processes that a checkpoint saved. On failure nothing
   * is left.
   */
  restore(request: OciRestore): Promise<void>;
  /** Every process of the container's cgroup; none once it has stopped. */
  pids(id: string): Promise<readonly number[]>;
  /**
   * Removes a stopped container, or with `force` one in any state, and the leftovers of one that was never finished.
   * Throws `not-found` for an unknown id, `force` or not.
   */
  delete(id: string, options: { readonly force: boolean }): Promise<void>;
}

export interface OciStats extends CgroupStats {
  /** Of its resource director group, if it has one. */
  readonly resctrl?: ResctrlStats;
}

export interface OciContainersOptions {
  /** Absolute; made on first use. */
  readonly root: string;
  readonly hands: Hands;
  readonly cgroupDriver: OciCgroupDriver;
  /** Go on without cgroups that this user may not make; undefined: if the user is not the real root. */
  readonly rootless: boolean | undefined;
  /** The caller's /proc/self/cgroup, where that is another process than this one. */
  readonly ownCgroups?: string | undefined;
  /** Pid of the process that was called; it is noted in what the call makes. */
  readonly callerPid: number;
  /** The caller's environment, which hooks of the host without one of their own have. It says where systemd listens. */
  readonly env: Readonly<Record<string, string>>;
  /** Hooks in the container's namespaces begin in the bundle, as with crun; absent: in the root file system. */
  readonly hooksInBundle?: boolean;
  /** Seccomp listeners are told of containers as by crun: also where nothing notifies, and in its version. */
  readonly listensAsCrun?: boolean;
  /** What earlier calls have compiled; absent: there were none. */
  readonly kept?: KeptCalls;
  /** What the caller should know although everything goes on. */
  warn(text: string): void;
  /** What helps to find out how things went. */
  debug(text: string): void;
}

export type OciCgroupDriver = "cgroupfs" | "systemd" | "disabled";

/** What a new process gets from the command line, beside its description. */
export interface OciProcessOptions {
  /** Absolute path of a listening unix socket, which receives the terminal. */
  readonly consoleSocket?: string;
  /** Absolute path of a listening unix socket, which receives a pidfd of the process. */
  readonly pidfdSocket?: string;
  /** How many of the caller's descriptors from 3 on the process keeps, under their numbers. */
  readonly preserveFds: number;
  /** Keep the caller's supplementary groups instead of those of `process.user`. */
  readonly keepGroups: boolean;
  /**
   * Told the pid as soon as the process is there, and waited for before its program is executed. When it fails, so does
   * the call, and nothing is left.
   */
  announce?(pid: number): void | Promise<void>;
}

export interface OciCreate extends OciProcessOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  /** Where `spec` was read from, if that is not the bundle's config.json; absolute. */
  readonly configPath?: string;
  readonly spec: RuntimeSpec;
  /** Directories to make (mode 0755) in the container's own, `<root>/<id>`, before anything is mounted from there. */
  readonly directories: readonly string[];
  /** Without pivot_root, for a root file system on the initial ramdisk. */
  readonly noPivot: boolean;
  /** Leave the caller's session keyring to the container. */
  readonly noNewKeyring: boolean;
}

export interface OciRun extends OciCreate {
  /** Do not delete the container when it has ended. */
  readonly keep: boolean;
  /** Wait also for orphans of the container, which without a pid namespace of its own would be somebody else's. */
  readonly subreaper: boolean;
}

export interface OciExec extends OciProcessOptions {
  readonly id: string;
  readonly process: Process;
  /** In a paused container the process stays frozen until it is resumed; otherwise that is a `conflict`. */
  readonly ignorePaused: boolean;
  /**
   * Sub-cgroups of the container's own to put the process in, by controller of cgroup v1; the one of cgroup v2 under the
   * empty name. Absent: the container's.
   */
  readonly cgroup?: Readonly<Record<string, string>>;
}

/** What is called with this environment of the caller's: its search path leads to CRIU. */
interface OciCriuCall {
  readonly env: Readonly<Record<string, string>>;
}

/** `statusFd` is the caller's descriptor. */
export interface OciCheckpoint extends DumpChoices, OciCriuCall {
  readonly id: string;
}

export interface OciRestore extends OciRun, RestoreChoices, OciCriuCall {
  /** Resolve when the container runs, and leave it to the caller. */
  readonly detach: boolean;
}

export interface OciState extends State {
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** Absolute path of its config, if that is not the bundle's config.json. */
  readonly configPath?: string;
  /** Uid that the container's files belong to. */
  readonly ownerUid: number;
}
