import { constants } from "node:os";
import { emitReport, type Label, type Pointer, type ProgramBuilder, reportBuffer, type Slot } from "@orlop/kernel";
import { emitInstallStdio } from "../process/stdio.ts";
import type { Supervision } from "../process/supervision.ts";

/** A program of the host's that a reaper runs: another runtime, or a shim. */
export interface HostCommand {
  /** The first is the absolute path of the file to execute. */
  readonly argv: readonly [string, ...string[]];
  /** All of its environment. */
  readonly env: readonly string[];
  readonly directory: string;
  /**
   * What it has as its standard descriptors: those of the container, which it passes on; or `stdin` to read, and files in
   * the state directory for what it says.
   */
  readonly stdio: "container" | { readonly stdin?: Uint8Array; readonly stdout: string; readonly stderr: string };
}

/** Starts the command; `into` is its pid. A failure to execute it is reported as one of the whole program. */
export function emitStartCommand(s: Supervision, command: HostCommand, into: Slot): void {
  const { p } = s;
  const parent = p.label("the command is started");
  p.step({ action: `run "${command.argv[0]}"` });
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into });
  p.branch(into, "ne", 0, parent);
  p.role("command");
  const failed = p.label("the command cannot be executed");
  p.handler(failed);
  if (command.stdio === "container") emitContainerStdio(s);
  else emitFiles(s, command.stdio);
  emitBecomeCommand(p, command, reportBuffer(p), failed);
  p.role("reaper");
  p.mark(parent);
}

/** With a terminal the runtime makes descriptors of its own for the container. */
function emitContainerStdio(s: Supervision): void {
  if (!s.terminal) {
    emitInstallStdio(s);
    return;
  }
  const { p } = s;
  const nothing = p.slot("nothing");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: nothing });
  for (const fd of [0, 1, 2]) p.call("dup3", [nothing, fd, 0]);
}

function emitFiles({ p, slots }: Supervision, files: Exclude<HostCommand["stdio"], "container">): void {
  const { stdin } = files;
  const file = p.slot("said");
  const create = p.flags("O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC");
  if (stdin === undefined) {
    p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: file });
  } else {
    p.call("memfd_create", [p.text("stdin"), p.flags("MFD_CLOEXEC")], { into: file });
    p.call("write", [file, p.bytes(stdin, "<stdin>"), stdin.length]);
    p.call("lseek", [file, 0, p.flags("SEEK_SET")]);
  }
  p.call("dup3", [file, 0, 0]);
  for (const [fd, name] of [
    [1, files.stdout],
    [2, files.stderr],
  ] as const) {
    p.call("openat", [slots.state, p.text(name), create, 0o600], { into: file });
    p.call("dup3", [file, fd, 0]);
  }
}

function emitBecomeCommand(p: ProgramBuilder, command: HostCommand, report: Pointer, failed: Label): void {
  const everything = p.number(0xffff_ffff, "~0U");
  p.call("chdir", [p.text(command.directory)]);
  // Descriptors of ours close on exec by themselves; Linux before 5.11 cannot be asked to make sure of it.
  p.call("close_range", [3, everything, p.flags("CLOSE_RANGE_CLOEXEC")], { ignore: ["EINVAL"] });
  p.call("execve", [p.text(command.argv[0]), p.vector(command.argv), p.vector(command.env)]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [COMMAND_NOT_EXECUTED]);
}

const COMMAND_NOT_EXECUTED = 127;
