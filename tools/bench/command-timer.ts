import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import {
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  type Label,
  type Pointer,
  type Program,
  ProgramBuilder,
  REPORT,
  type Report,
  reportBuffer,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  TIMESPEC,
  Zygote,
} from "@orlop/kernel";

/** A program to run, with standard input, output and error at /dev/null. */
export interface TimedCommand {
  /** The program by its absolute path, and its arguments. */
  readonly argv: readonly [file: string, ...args: readonly string[]];
  readonly env?: NodeJS.ProcessEnv;
  /** Mount points to take away first, in a mount namespace of the command's own. Not part of the time. */
  readonly unmount?: readonly string[];
  /** Process whose mounts it sees; absent: this one's. Going there is not part of the time. */
  readonly mountsOf?: number;
}

export interface CommandTiming {
  /** From just before the fork to just after the wait. */
  readonly milliseconds: number;
  /** User and system time of the command and of every descendant that was waited for. */
  readonly cpuMilliseconds: number;
  /** The most memory that one of these processes had resident at a time, in kB (1024 bytes). */
  readonly memoryKb: number;
  /** As a shell gives it: 128 + n where signal n ended the command. */
  readonly exitCode: number;
}

/** `si_code` of a child that called exit: include/uapi/asm-generic/siginfo.h. */
const CLD_EXITED = 1;

/**
 * Runs commands and measures them from the smallest process there is.
 *
 * Node would fork itself, which takes milliseconds at its size and would count against the command; a shell adds its
 * own fork and exec. A zygote's child has some forty pages and no libc: the fork, the exec of an empty program and the
 * wait take a third of a millisecond together. It reads the clock before and after, and tells only when all is over,
 * so that this process sleeps meanwhile.
 */
export class CommandTimer implements Disposable {
  readonly #zygote: Zygote = Zygote.start({ stdio: "ignore" });

  get pid(): number {
    const { pid } = this.#zygote;
    if (pid === undefined) throw new OrlopError("failed", "Cannot start timer: the zygote did not start");
    return pid;
  }

  async run(command: TimedCommand): Promise<CommandTiming> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const reports: Report[] = [];
    this.#zygote.submit(timingProgram(command), (report) => {
      reports.push(report);
      if (report.kind === "ended" || report.kind === "unstarted") resolve();
    });
    await promise;
    return readTiming(command, reports);
  }

  /** As `run`; throws `failed` where the exit code is not 0: a benchmark of what does not work measures nothing. */
  async runSuccessfully(command: TimedCommand): Promise<CommandTiming> {
    const timing = await this.run(command);
    if (timing.exitCode === 0) return timing;
    const line = command.argv.join(" ");
    throw new OrlopError("failed", `Cannot measure "${line}": it ended with exit code ${timing.exitCode}`);
  }

  [Symbol.dispose](): void {
    this.#zygote.close();
  }
}

function readTiming({ argv }: TimedCommand, reports: readonly Report[]): CommandTiming {
  const [start, stop, exit] = (["created", "started", "exited"] as const).map((wanted) =>
    reports.find(({ kind }) => kind === wanted),
  );
  const failure = reports.find(({ kind }) => kind === "failed");
  if (start === undefined || stop === undefined || exit === undefined || failure !== undefined) {
    const why = failure === undefined ? "the timer was killed" : errnoWords(errnoName(failure.value));
    throw new OrlopError("failed", `Cannot time "${argv.join(" ")}": ${why}`);
  }
  return {
    milliseconds: (stop.index - start.index) * 1e3 + (stop.value - start.value) / 1e6,
    cpuMilliseconds: cpuMilliseconds(Buffer.from(exit.rusage)),
    memoryKb: Number(Buffer.from(exit.rusage).readBigInt64LE(MAXRSS_OFFSET)),
    exitCode: exit.index === CLD_EXITED ? exit.value : 128 + exit.value,
  };
}

/** ru_maxrss of struct rusage, behind the two times. */
const MAXRSS_OFFSET = 32;

/** struct rusage begins with ru_utime and ru_stime: seconds and microseconds, eight bytes each. */
function cpuMilliseconds(rusage: Buffer): number {
  const words = [0, 8, 16, 24].map((at) => Number(rusage.readBigInt64LE(at)));
  const [userSeconds = 0, userMicroseconds = 0, systemSeconds = 0, systemMicroseconds = 0] = words;
  return (userSeconds + systemSeconds) * 1e3 + (userMicroseconds + systemMicroseconds) / 1e3;
}

/** Two processes: one that reads the clock and waits, and one that becomes the command. */
function timingProgram(command: TimedCommand): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const failed = p.label("failed");
  const becomeCommand = p.label("become the command");
  p.role("timer");
  p.step({ action: "prepare the timer" });
  p.handler(failed);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  if (command.mountsOf !== undefined) emitEnterMounts(p, command.mountsOf);
  if (command.unmount !== undefined) emitUnmount(p, command.unmount);
  emitMeasure(p, report, becomeCommand);
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(becomeCommand);
  emitBecome(p, report, command);
  return p.build();
}

function emitEnterMounts(p: ProgramBuilder, pid: number): void {
  const namespace = p.slot("namespace");
  const path = p.text(`/proc/${pid}/ns/mnt`);
  p.step({ action: "enter a mount namespace" });
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: namespace });
  p.call("setns", [namespace, p.flags("CLONE_NEWNS")]);
  p.call("close", [namespace]);
}

/** Every run gets a mount namespace of its own: what the command mounts goes with it. */
function emitUnmount(p: ProgramBuilder, mountPoints: readonly string[]): void {
  p.step({ action: "take mount points away" });
  p.call("unshare", [p.flags("CLONE_NEWNS")]);
  p.call("mount", [0, p.text("/"), 0, p.flags("MS_REC|MS_SLAVE"), 0]);
  for (const path of mountPoints) p.call("umount2", [p.text(path), p.flags("MNT_DETACH")]);
}

/** Reports `created` and `started` carry the clock before and after: seconds in the index, nanoseconds in the value. */
function emitMeasure(p: ProgramBuilder, report: Pointer, becomeCommand: Label): void {
  const child = p.slot("child");
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const usage = report.at(REPORT.fields.rusage.offset);
  const clocks = { created: p.struct(TIMESPEC, {}), started: p.struct(TIMESPEC, {}) } as const;
  const index = p.slot("index");
  const value = p.slot("value");
  p.step({ action: "measure the command" });
  p.call("clock_gettime", [p.flags("CLOCK_MONOTONIC"), clocks.created]);
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: child });
  p.branch(child, "eq", 0, becomeCommand);
  p.call("waitid", [p.flags("P_PID"), child, info, p.flags("WEXITED|__WALL"), usage]);
  p.call("clock_gettime", [p.flags("CLOCK_MONOTONIC"), clocks.started]);
  for (const kind of ["created", "started"] as const) {
    p.load(index, clocks[kind], 8);
    p.load(value, clocks[kind].at(TIMESPEC.fields.tv_nsec.offset), 8);
    emitReport(p, report, kind, { index, value });
  }
  p.load(index, info.at(SIGINFO_CODE_OFFSET), 4);
  p.load(value, info.at(SIGINFO_STATUS_OFFSET), 4);
  emitReport(p, report, "exited", { index, value });
}

function emitBecome(p: ProgramBuilder, report: Pointer, { argv, env = process.env }: TimedCommand): void {
  const refused = p.label("refused");
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  p.role("command");
  p.step({ action: `execute "${argv[0]}"` });
  p.handler(refused);
  p.call("execve", [p.text(argv[0]), p.vector(argv), p.vector(environment)]);
  p.mark(refused);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [127]);
}
