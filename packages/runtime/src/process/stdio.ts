import type { Process, StdioTarget } from "@orlop/core";
import { octal, type Slot, STATX_BYTES, STATX_MODE_OFFSET } from "@orlop/kernel";
import type { HostView, Supervision } from "./supervision.ts";

export const STREAM_NAMES = ["stdin", "stdout", "stderr"] as const;

/** What is said of a descriptor of the process that asks. */
export const descriptorWords = (fd: number): string => `descriptor ${fd}`;

export const descriptorPath = ({ pid }: Pick<HostView, "pid">, fd: number): string => `/proc/${pid}/fd/${fd}`;

/** Opens, in the reaper, what init will have as descriptors 0, 1 and 2. The reaper keeps them: see StdioTarget. */
export function emitOpenStdio(s: Supervision): void {
  const { stdio } = s;
  for (const [index, name] of STREAM_NAMES.entries()) emitOpen(s, index, stdio[name], s.slots.stdio[index] as Slot);
}

function emitOpen(s: Supervision, index: number, target: StdioTarget, into: Slot): void {
  const { p } = s;
  const name = STREAM_NAMES[index] ?? "";
  if (target === "inherit") return;
  const cwd = p.flags("AT_FDCWD");
  if (target === "null") {
    p.step({ action: `open "/dev/null" as ${name}` });
    p.call(
      "openat",
      [cwd, p.text("/dev/null"), p.flags(index === 0 ? "O_RDONLY|O_CLOEXEC" : "O_WRONLY|O_CLOEXEC"), 0],
      { into },
    );
  } else if ("fd" in target) {
    emitTakeDescriptor(s, target.fd, name, into);
  } else {
    p.step({ action: `open "${target.path}" as ${name}` });
    const isFifo = s.host.fileKind(target.path) === "fifo";
    if (index !== 0) {
      // Opened for both, a FIFO neither waits for its other end nor ends with it.
      const flags = p.flags(`${isFifo ? "O_RDWR" : "O_WRONLY"}|O_APPEND|O_CREAT|O_CLOEXEC|O_NOCTTY`);
      p.call("openat", [cwd, p.text(target.path), flags, 0o600], { into });
    } else if (isFifo) emitOpenInputFifo(s, target.path, into);
    else p.call("openat", [cwd, p.text(target.path), p.flags("O_RDONLY|O_CLOEXEC|O_NOCTTY"), 0], { into });
  }
}

/**
 * The reading end alone where somebody has the other, so that the input ends with that; both where nobody has, because a
 * FIFO without a writer is at its end.
 */
function emitOpenInputFifo({ p }: Supervision, path: string, into: Slot): void {
  const cwd = p.flags("AT_FDCWD");
  const alone = p.slot("stdin_reader");
  const [reader, writer, seen] = [p.slot("pipe_reader"), p.slot("pipe_writer"), p.slot("seen")];
  const written = p.label("stdin has a writer");
  const done = p.label("stdin is open");
  p.call("openat", [cwd, p.text(path), p.flags("O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_NOCTTY"), 0], { into: alone });
  const pipe = p.buffer(8, "{reader, writer}");
  p.call("pipe2", [pipe, p.flags("O_CLOEXEC")]);
  p.load(reader, pipe, 4);
  p.load(writer, pipe.at(4), 4);
  // It takes nothing out, and tells a FIFO without a writer (0) from one that is merely empty (EAGAIN).
  p.call("tee", [alone, writer, 1, p.flags("SPLICE_F_NONBLOCK")], { into: seen, on: ["EAGAIN"], goto: written });
  p.branch(seen, "ne", 0, written);
  p.call("openat", [cwd, p.text(path), p.flags("O_RDWR|O_CLOEXEC|O_NOCTTY"), 0], { into });
  p.call("close", [alone]);
  p.jump(done);
  p.mark(written);
  p.call("fcntl", [alone, p.flags("F_SETFL"), p.flags("O_RDONLY")]);
  p.set(into, alone);
  p.mark(done);
  for (const end of [reader, writer]) p.call("close", [end]);
}

/** A copy of a descriptor of the process that asked, without its help; where ptrace scopes forbid it, by its name. */
function emitTakeDescriptor(s: Supervision, fd: number, name: string, into: Slot): void {
  const { p } = s;
  const parent = p.slot("parent_pidfd");
  const byName = p.label("by name");
  const done = p.label("taken");
  p.step({ action: `take ${descriptorWords(fd)} as ${name}` });
  p.call("pidfd_open", [s.host.pid, 0], { into: parent });
  p.call("pidfd_getfd", [parent, p.given(name, fd), 0], { into, on: ["EPERM"], goto: byName });
  p.jump(done);
  p.mark(byName);
  const path = p.text(descriptorPath(s.host, fd));
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_RDWR|O_CLOEXEC|O_NOCTTY"), 0], { into });
  p.mark(done);
  p.call("close", [parent]);
}

/** Puts them in place, in init, as late as possible. */
export function emitInstallStdio(s: Supervision): void {
  const { p } = s;
  p.step({ action: "put stdin, stdout and stderr in place" });
  for (const [index, name] of STREAM_NAMES.entries()) {
    if (s.stdio[name] !== "inherit") p.call("dup3", [s.slots.stdio[index] as Slot, index, 0]);
  }
}

/**
 * Gives the streams that the caller had open to the process's user, as the other runtimes do: a program that opens
 * /dev/stdout opens the pipe behind it anew, and may only if it is its own. Devices stay whose they are: they are
 * everybody's, or somebody's terminal.
 */
export function emitGiveStdio(s: Supervision, { user: { uid, gid } }: Pick<Process, "user">): void {
  if (uid === 0) return;
  const { p } = s;
  const stat = p.scratch(STATX_BYTES, "{statx}");
  const type = p.slot("type");
  p.step({ action: `give stdin, stdout and stderr to user ${uid}`, field: "process.user" });
  for (const [fd, name] of STREAM_NAMES.entries()) {
    const target = s.stdio[name];
    if (target !== "inherit" && !(typeof target === "object" && "fd" in target)) continue;
    const next = p.label("next stream");
    p.call("statx", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_TYPE"), stat], { on: "any", goto: next });
    p.load(type, stat.at(STATX_MODE_OFFSET), 2);
    p.and(type, type, p.flags("S_IFMT"));
    p.branch(type, "eq", octal(p, S_IFCHR), next);
    // Somebody else's, or on a file system that is read-only or knows no owners: as it is, then.
    p.call("fchown", [fd, uid, gid], { ignore: "any" });
    p.mark(next);
  }
}

const S_IFCHR = 0o20000;
