import type { Rlimit, Stdio } from "@orlop/core";
import { type Architecture, type Label, type Pointer, ProgramBuilder, reportBuffer, type Slot } from "@orlop/kernel";

export type FileKind = "directory" | "file" | "fifo" | "other";

/** What compiling needs to know of the machine; given, so that the same request compiles to the same program. */
export interface HostView {
  readonly architecture: Architecture;
  /** Effective uid and gid of the process that will start the program. */
  readonly uid: number;
  readonly gid: number;
  /** This user may not do what only the real root may, be it root of a user namespace. */
  readonly rootless: boolean;
  /** Pid of the process that will start the program: whose descriptors `{ fd }` refers to. */
  readonly pid: number;
  /** Highest capability of this kernel: /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** Which run of the kernel this is. */
  readonly bootId: string;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  /** `undefined` when nothing is there. */
  fileKind(path: string): FileKind | undefined;
  /** What the link at `path` says; `undefined` when no link is there. */
  linkTarget(path: string): string | undefined;
}

/** What a process takes from the caller of an OCI command, and what is left to that caller. */
export interface Handover {
  /**
   * Nobody of ours watches over the process: the reaper leaves once it is ready, where it has to wait for its start, or
   * started, and the process goes where the caller's orphans go. It is detached.
   */
  readonly orphaned?: boolean;
  /** Descriptors, by their number in programs, that the user's program is to have from 3 up. */
  readonly descriptors?: readonly number[];
  /** The process stays in the caller's session keyring. */
  readonly keepKeyring?: boolean;
  /** The process stays in the caller's supplementary groups. */
  readonly keepGroups?: boolean;
  /** The reaper's own exit status is the process's, for a caller that hears of it in no other way. */
  readonly exitsAsChild?: boolean;
  /** Who was called to make it. */
  readonly makerPid?: number;
  /** It ends with that process, which starts the reaper, and not with the socket that its program came by. */
  readonly endsWithMaker?: boolean;
  /** A listening unix socket that receives the process's pidfd. */
  readonly pidfdSocket?: string;
}

/** A process to start and to watch over: a container's init, or an exec. */
export interface SupervisionOptions extends Handover {
  readonly host: HostView;
  /** Directory for the control pipe and the exit record; it exists and is ours. */
  readonly stateDirectory: string;
  readonly stdio: Stdio;
  readonly terminal: boolean;
  /** Where another runtime sends the terminal. Absent: to a socket in the state directory. */
  readonly terminalSocket?: string;
  readonly detached: boolean;
  /** The child is killed when it has run for so long. */
  readonly timeLimitMs?: number | undefined;
  /** Bytes that let go of the terminal; see ExecRequest. */
  readonly detachKeys?: readonly number[];
  /** What the reaper sets for the child: root of a user namespace may not raise a hard limit, root outside may. */
  readonly rlimitsFromReaper?: readonly Rlimit[];
}

/**
 * A program of two processes in the making: the *reaper* starts a *child* and watches over it. Both know each other
 * through a socket, and find what the other needs in slots that they share until the clone.
 */
export interface Supervision extends SupervisionOptions {
  readonly p: ProgramBuilder;
  readonly slots: {
    readonly state: Slot;
    readonly control: Slot;
    /** The reaper's and the child's ends of the socket between them. */
    readonly syncReaper: Slot;
    readonly syncChild: Slot;
    readonly pidfd: Slot;
    readonly child: Slot;
    /** A pidfd of the maker, where the child ends with that. */
    readonly maker: Slot;
    /** Master side of the terminal, in the reaper. */
    readonly master: Slot;
    /** 1 once somebody has asked for a SIGKILL. */
    readonly killed: Slot;
    /** What the reaper says at its end: see CGROUPS_REMOVED. */
    readonly cgroupsRemoved: Slot;
    readonly stdio: readonly [Slot, Slot, Slot];
  };
  readonly labels: {
    readonly child: Label;
    /** Handlers of the child: until it has said that it is ready, and from then on. */
    readonly childFailed: Label;
    readonly startFailed: Label;
    readonly reaperFailed: Label;
    /** In the reaper: the child waits for its limits. */
    readonly limited: Label;
    /** The child has become an orphan. */
    readonly left: Label;
  };
  /** The reaper's reports, and in the end its record. */
  readonly report: Pointer;
}

export function superviseIn(options: SupervisionOptions): Supervision {
  const p = new ProgramBuilder(options.host.architecture);
  return {
    ...options,
    p,
    slots: {
      state: p.slot("state"),
      control: p.slot("control"),
      syncReaper: p.slot("sync_reaper"),
      syncChild: p.slot("sync_child"),
      pidfd: p.slot("pidfd"),
      child: p.slot("child"),
      maker: p.slot("maker"),
      master: p.slot("master"),
      killed: p.slot("killed"),
      cgroupsRemoved: p.slot("cgroups_removed"),
      stdio: [p.slot("stdin"), p.slot("stdout"), p.slot("stderr")],
    },
    labels: {
      child: p.label("child"),
      childFailed: p.label("child failed"),
      startFailed: p.label("start failed"),
      reaperFailed: p.label("reaper failed"),
      limited: p.label("the child waits for its limits"),
      left: p.label("the child is left to the caller"),
    },
    report: reportBuffer(p),
  };
}

/** Words that a child says to its reaper over the socket, one byte each, and that the reaper passes on or says itself. */
export const WORD = {
  /** Everything is in place for the user's program. */
  ready: 1,
  /** The file system stands, the old root is still there: hooks of the runtime and of creation run now. */
  prepared: 2,
  /** The start command has come: hooks of the start run now. */
  starting: 3,
  /** The namespaces of a container that is being restored are there, and nothing in them: hooks of the runtime run now. */
  restoring: 4,
  /** Everything that its limits might hinder is done; the reaper sets them. */
  limited: 4,
  /** Of the reaper: init is there, and is to be put into its systemd unit before it gets a cgroup namespace. */
  unit: 5,
} as const;

/** The step of {@link emitSay}. */
export function sayAction(word: keyof typeof WORD, wait: boolean): string {
  return `say "${word}" to the reaper${wait ? " and wait" : ""}`;
}

/** In the child: says `word`, and waits for leave to go on. */
export function emitSay(s: Supervision, word: keyof typeof WORD, wait: boolean): void {
  const { p, slots } = s;
  p.step({ action: sayAction(word, wait) });
  p.call("write", [slots.syncChild, p.bytes(Buffer.from([WORD[word]]), word), 1]);
  if (wait) emitAwaitLeave(s);
}

/** In the child, first of all: lets go of the reaper's ends of what joins the two. Held here, they would outlive a reaper that is killed. */
export function emitLeaveReaperEnds({ p, slots }: Supervision): void {
  for (const fd of [slots.syncReaper, slots.control]) p.call("close", [fd]);
}

/** In the child: waits for a byte of the reaper's. The end of the socket means that the reaper is gone. */
export function emitAwaitLeave({ p, slots }: Supervision): void {
  const got = p.slot("got");
  const go = p.label("go on");
  p.call("read", [slots.syncChild, p.buffer(8, "<leave>"), 1], { into: got });
  p.branch(got, "ne", 0, go);
  p.call("exit_group", [1]);
  p.mark(go);
}

/**
 * In the reaper, once it has the pidfd of a child that another process made: lets the child go on. Without this the child's
 * first word could overtake the pidfd on the socket that they share.
 */
export function emitLetChildGo({ p, slots }: Supervision): void {
  p.call("write", [slots.syncReaper, p.text("."), 1]);
}

/** In such a child: waits for that. */
export function emitAwaitReaper(s: Supervision): void {
  s.p.step({ action: "wait until the reaper knows this process" });
  emitAwaitLeave(s);
}
