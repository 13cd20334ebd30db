import { constants } from "node:os";
import type { Architecture } from "../abi/architecture.ts";
import { POLLFD, SIGACTION, TIMESPEC } from "../abi/structs.ts";
import { emitMachineWith } from "../machine/machine.ts";
import { CONTROL_FD } from "../machine/memory-layout.ts";
import { ProgramBuilder, type Value } from "../program/builder.ts";
import type { Label, Pointer, Slot } from "../program/instruction.ts";
import { type Program, TOKEN_BYTES } from "../program/program.ts";
import { emitConnect } from "../unix-socket/emit-connect.ts";
import { emitFindArguments } from "./own-arguments.ts";
import { emitSealedCopy, emitServe, type Patience } from "./zygote-program.ts";

/** Changes whenever what a launcher says changes. */
export const LAUNCHER_VERSION = 5;

/** A launcher knows whom it asks by the socket's place and owner, not by a secret that a file would have to hold. */
export const LAUNCHER_TOKEN: Uint8Array = new Uint8Array(TOKEN_BYTES);

/** Namespaces in which the two sides have to be together, for their paths and process ids to mean the same. */
export const LAUNCHER_NAMESPACES = ["mnt", "user", "pid", "cgroup"] as const;

/**
 * What a launcher says of its caller, in sections of {kind u32, length u32} and as many bytes; the kind is an index into
 * this list. What is longer than a chunk comes in several. `facts` comes first and holds, as 32-bit numbers,
 * {@link LAUNCHER_VERSION}, the effective user, where the caller's descriptor 3 has gone (-1: there was none), and the
 * process id. `end` comes last.
 */
export const HELLO_SECTIONS = [
  "end",
  "facts",
  "arguments",
  "environment",
  "cwd",
  "cgroups",
  "status",
  "root",
  "namespaces",
] as const;
export type HelloSection = (typeof HELLO_SECTIONS)[number];

/** A fact, by its place in the section. */
export const HELLO_FACTS = { version: 0, uid: 4, descriptor: 8, pid: 12 } as const;
const FACTS_BYTES = 16;

interface LauncherOptions {
  readonly architecture: Architecture;
  /** Absolute path of the socket at which programs are to be had. */
  readonly socketPath: string;
  /**
   * Absolute paths of what is executed in its place, with its own arguments: for the whole call when nobody is there, and
   * for a call that broke off.
   */
  readonly alone: string;
  readonly broken: string;
  /** What the command is called, where it can do nothing at all; orlop-oci unless said otherwise. */
  readonly name?: string;
  /** The other side hears of signals, which do nothing else. */
  readonly tellsSignals?: boolean;
  /**
   * How long the other side may say nothing, not even that it is there (see `ZygoteChannel.tellAlive`): it is ended then, as
   * what stands still would be in the way of every call. Absent: for ever.
   */
  readonly patience?: Patience;
}

/**
 * A launcher as a file to execute.
 *
 * It connects to a process of its own user, tells who calls it and how, and becomes a zygote for that process: what is
 * executed then is executed as the caller's own child. Where nobody answers it executes Node instead.
 */
export function launcherFile(options: LauncherOptions): Buffer {
  return emitMachineWith(launcherProgram(options));
}

/** The program of {@link launcherFile}. */
function launcherProgram(options: LauncherOptions): Program {
  const p = new ProgramBuilder(options.architecture);
  const labels: LauncherLabels = {
    alone: p.label("nobody answers"),
    leave: p.label("the other side has gone"),
    cannot: p.label("nothing can be executed"),
  };
  p.role("launcher");
  emitOpenStandardDescriptors(p, labels.cannot);
  emitKeepDescriptor(p);
  emitFindArguments(p);
  p.set(p.slot("served"), 0);
  p.handler(labels.alone);
  emitSealOwnFile(p);
  emitAsk(p, options.socketPath, labels.alone);
  p.handler(labels.leave);
  const { tellsSignals = false, patience, socketPath } = options;
  emitHello(p, patience, labels.leave);
  emitForgetSignals(p);
  const { leave } = labels;
  const onFrame = (): void => p.set(p.slot("served"), 1);
  const onSilence = (wait: Label): void => emitEndOther(p, socketPath, wait, leave);
  // What was cut off by the end of who sent it is an end as well.
  emitServe(p, Buffer.from(LAUNCHER_TOKEN), { leave, refuse: leave, onFrame, tellsSignals, patience, onSilence });
  emitGoOnWithNode(p, options, labels);
  return p.build();
}

interface LauncherLabels {
  readonly alone: Label;
  readonly leave: Label;
  readonly cannot: Label;
}

/** What the caller has closed is /dev/null, as for every program of Node's: nothing of ours must take its place. */
function emitOpenStandardDescriptors(p: ProgramBuilder, cannot: Label): void {
  p.step({ action: "see that there are standard descriptors" });
  p.handler(cannot);
  for (const fd of [0, 1, 2]) {
    const closed = p.label(`${fd} is closed`);
    const open = p.label(`${fd} is open`);
    p.call("fcntl", [fd, p.flags("F_GETFD"), 0], { on: ["EBADF"], goto: closed });
    p.jump(open);
    p.mark(closed);
    // The lowest number that is free.
    p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), p.flags("O_RDWR"), 0]);
    p.mark(open);
  }
}

/**
 * Puts the caller's descriptor 3 elsewhere, before anything else is opened. Where there is none, something takes its place
 * until the socket does, so that nothing of ours does.
 */
function emitKeepDescriptor(p: ProgramBuilder): void {
  const saved = p.slot("saved");
  const place = p.slot("file");
  const free = p.label("there is none");
  const done = p.label("kept");
  p.step({ action: `keep the caller's descriptor ${CONTROL_FD}` });
  p.call("fcntl", [CONTROL_FD, p.flags("F_DUPFD_CLOEXEC"), CONTROL_FD + 1], { into: saved, on: ["EBADF"], goto: free });
  p.jump(done);
  p.mark(free);
  p.set(saved, p.number(-1));
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), p.flags("O_PATH|O_CLOEXEC"), 0], { into: place });
  p.branch(place, "eq", CONTROL_FD, done);
  p.call("dup3", [place, CONTROL_FD, p.flags("O_CLOEXEC")]);
  p.call("close", [place]);
  p.mark(done);
}

/** Goes on from a sealed copy of this executable, boot program included, unless this is the copy. */
function emitSealOwnFile(p: ProgramBuilder): void {
  const exe = p.slot("exe");
  const copy = p.label("copy");
  const sealed = p.label("sealed");
  p.step({
    action: "open this executable",
    why: "CVE-2019-5736: what containers are cloned from must not be a file that one of them could write",
  });
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc/self/exe"), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: exe });
  p.call("fcntl", [exe, p.flags("F_GET_SEALS"), 0], { on: ["EINVAL"], goto: copy });
  p.call("close", [exe]);
  p.jump(sealed);
  p.mark(copy);
  const size = p.number(LAUNCHER_MAX_BYTES, "LAUNCHER_MAX_BYTES");
  emitSealedCopy(p, (memfd) => p.call("sendfile", [memfd, exe, 0, size]));
  p.call("execveat", [p.slot("memfd"), p.text(""), p.slot("argv"), p.slot("envp"), p.flags("AT_EMPTY_PATH")]);
  p.mark(sealed);
}

/** The machine, the page-aligned gap behind it, and a boot program: see elf.ts. */
const LAUNCHER_MAX_BYTES = 0x30000;

/** struct ucred is pid, uid, gid. */
const UCRED_BYTES = 12;
const UCRED_UID_OFFSET = 4;

/** Connects, and makes sure that who listens is the caller's own user: what comes from there will be executed. */
function emitAsk(p: ProgramBuilder, socketPath: string, alone: Label): void {
  const socket = p.slot("socket");
  const own = p.slot("uid");
  const theirs = p.slot("their_uid");
  p.step({ action: `connect to "${socketPath}"` });
  emitConnect(p, socketPath, socket);
  const credentials = p.buffer(UCRED_BYTES, "{ucred}");
  const length = p.bytes(Buffer.from([UCRED_BYTES, 0, 0, 0]), `[${UCRED_BYTES}]`);
  p.step({ action: "check who listens there", why: "only a process of the same user may say what is executed" });
  p.call("getsockopt", [socket, p.flags("SOL_SOCKET"), p.flags("SO_PEERCRED"), credentials, length]);
  p.call("geteuid", [], { into: own });
  p.load(theirs, credentials.at(UCRED_UID_OFFSET), 4);
  p.load(p.slot("their_pid"), credentials, 4);
  p.branch(theirs, "ne", own, alone);
  p.step({ action: `make it descriptor ${CONTROL_FD}` });
  p.call("dup3", [socket, CONTROL_FD, p.flags("O_CLOEXEC")]);
  p.call("close", [socket]);
}

const CHUNK_BYTES = 4096;
const SECTION_HEADER_BYTES = 8;

/** How the parts of the hello are put together. */
interface Hello {
  readonly p: ProgramBuilder;
  /** One section: its header, then room for a chunk. */
  readonly section: Pointer;
  /** Where they are gathered. */
  readonly file: Slot;
}

/** More than most callers have to say: their environment is the longest part. */
const HELLO_PART_BYTES = 12 * 1024;

function emitHello(p: ProgramBuilder, patience: Patience | undefined, leave: Label): void {
  const hello: Hello = {
    p,
    section: p.buffer(SECTION_HEADER_BYTES + CHUNK_BYTES, "<section>"),
    file: p.slot("hello"),
  };
  const { section } = hello;
  const body = section.at(SECTION_HEADER_BYTES);
  p.step({ action: "say who calls", why: "in one go: the other side would wake up for every part" });
  emitGatherIn(hello);
  p.store(body.at(HELLO_FACTS.version), 4, LAUNCHER_VERSION);
  p.store(body.at(HELLO_FACTS.uid), 4, p.slot("uid"));
  p.store(body.at(HELLO_FACTS.descriptor), 4, p.slot("saved"));
  p.call("getpid", [], { into: p.slot("pid") });
  p.store(body.at(HELLO_FACTS.pid), 4, p.slot("pid"));
  emitSection(hello, "facts", FACTS_BYTES);
  emitFileSection(hello, "arguments", "/proc/self/cmdline");
  emitFileSection(hello, "environment", "/proc/self/environ");
  const length = p.slot("length");
  p.call("getcwd", [body, CHUNK_BYTES], { into: length });
  emitSection(hello, "cwd", length);
  emitFileSection(hello, "cgroups", "/proc/self/cgroup");
  emitFileSection(hello, "status", "/proc/self/status");
  emitLinkSection(hello, "root", "/proc/self/root");
  for (const name of LAUNCHER_NAMESPACES) emitLinkSection(hello, "namespaces", `/proc/self/ns/${name}`);
  emitSection(hello, "end", 0);
  emitSendHello(hello, patience, leave);
}

/** From Linux 6.3 on the kernel wants to be told that nobody executes it, and notes who does not tell. */
function emitGatherIn({ p, file }: Hello): void {
  const name = p.text("orlop-hello");
  const plain = p.label("without MFD_NOEXEC_SEAL");
  const made = p.label("made");
  p.call("memfd_create", [name, p.flags("MFD_CLOEXEC|MFD_NOEXEC_SEAL")], { into: file, on: ["EINVAL"], goto: plain });
  p.jump(made);
  p.mark(plain);
  p.call("memfd_create", [name, p.flags("MFD_CLOEXEC")], { into: file });
  p.mark(made);
}

/** A socket that takes only a part of something is one whose other side has gone. */
function emitSendHello({ p, file }: Hello, patience: Patience | undefined, leave: Label): void {
  const part = p.buffer(HELLO_PART_BYTES, "<part>");
  const length = p.slot("length");
  const next = p.label("send a part");
  const done = p.label("sent all");
  p.call("lseek", [file, 0, p.flags("SEEK_SET")]);
  p.mark(next);
  p.call("read", [file, part, HELLO_PART_BYTES], { into: length });
  p.branch(length, "eq", 0, done);
  p.call("sendto", [CONTROL_FD, part, length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  // What comes from a file in memory is all that there is, up to the room for it.
  p.branch(length, "ne", HELLO_PART_BYTES, done);
  // A socket that takes something takes more than a part.
  if (patience !== undefined) emitPoll(p, "POLLOUT", patience.turnMs * patience.turns, { none: leave });
  p.jump(next);
  p.mark(done);
  p.call("close", [file]);
}

/** Waits until something can be done with the socket, or to `none`: all calls of one place wait so long together. */
function emitPoll(
  p: ProgramBuilder,
  events: "POLLIN" | "POLLOUT",
  ms: number,
  { none }: { readonly none: Label },
): void {
  const ready = p.slot("ready");
  const poll = p.struct(POLLFD, { fd: CONTROL_FD, events: p.flags(events) });
  const time = p.struct(TIMESPEC, { tv_sec: Math.floor(ms / 1000), tv_nsec: (ms % 1000) * 1_000_000 });
  p.call("ppoll", [poll, 1, time, 0, 8], { into: ready });
  p.branch(ready, "eq", 0, none);
}

/** Whoever stands still must not go on when this process, and those after it, have done without. */
function emitEndOther(p: ProgramBuilder, socketPath: string, wait: Label, leave: Label): void {
  const pidfd = p.slot("their_pidfd");
  const silent = p.label("it is there and silent");
  p.step({ action: "end who serves this call and says nothing" });
  p.branch(p.slot("their_pid"), "eq", 0, leave);
  p.call("pidfd_open", [p.slot("their_pid"), 0], { into: pidfd });
  // The socket would have closed with that process: the descriptor is of no later one.
  emitPoll(p, "POLLIN", 0, { none: silent });
  p.call("close", [pidfd]);
  p.jump(wait);
  p.mark(silent);
  p.call("pidfd_send_signal", [pidfd, constants.signals.SIGKILL, 0, 0]);
  // What is frozen ends only when it goes on.
  p.call("unlinkat", [p.flags("AT_FDCWD"), p.text(socketPath), 0], { ignore: "any" });
  p.jump(leave);
}

/** Adds what lies behind the header. */
function emitSection({ p, section, file }: Hello, name: HelloSection, length: Value): void {
  const all = p.slot("all");
  p.store(section, 4, p.number(HELLO_SECTIONS.indexOf(name), name));
  p.store(section.at(4), 4, length);
  p.add(all, length, SECTION_HEADER_BYTES);
  p.call("write", [file, section, all]);
}

function emitFileSection(hello: Hello, name: HelloSection, path: string): void {
  const { p, section } = hello;
  const file = p.slot("file");
  const length = p.slot("length");
  const next = p.label("read a chunk");
  const done = p.label("read all");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: file });
  p.mark(next);
  p.call("read", [file, section.at(SECTION_HEADER_BYTES), CHUNK_BYTES], { into: length });
  p.branch(length, "eq", 0, done);
  emitSection(hello, name, length);
  p.jump(next);
  p.mark(done);
  p.call("close", [file]);
}

function emitLinkSection(hello: Hello, name: HelloSection, path: string): void {
  const { p, section } = hello;
  const length = p.slot("length");
  const body = section.at(SECTION_HEADER_BYTES);
  p.call("readlinkat", [p.flags("AT_FDCWD"), p.text(path), body, CHUNK_BYTES], { into: length });
  emitSection(hello, name, length);
}

/** One more than the last signal. */
const SIGNALS_END = 65;

/** What the caller ignores would be ignored in containers too, and of children that SIGCHLD is ignored for nobody hears. */
function emitForgetSignals(p: ProgramBuilder): void {
  const signal = p.slot("signal");
  const next = p.label("next signal");
  p.step({ action: "ignore no signals" });
  p.set(signal, 1);
  p.mark(next);
  // SIGKILL and SIGSTOP have no choice.
  p.call("rt_sigaction", [signal, p.struct(SIGACTION, {}), 0, 8], { ignore: ["EINVAL"] });
  p.add(signal, signal, 1);
  p.branch(signal, "lt", SIGNALS_END, next);
}

/** Executes Node in this process's place: for the whole call, or to say that it broke off after it had begun. */
function emitGoOnWithNode(
  p: ProgramBuilder,
  { alone, broken, name = "orlop-oci" }: LauncherOptions,
  labels: LauncherLabels,
): void {
  const restored = p.label("the caller's descriptors are in place");
  const close = p.label("there was none");
  p.mark(labels.leave);
  p.mark(labels.alone);
  p.step({ action: "give the caller its descriptors back" });
  p.handler(labels.cannot);
  p.branch(p.slot("saved"), "eq", p.number(-1), close);
  p.call("dup3", [p.slot("saved"), CONTROL_FD, 0]);
  p.jump(restored);
  p.mark(close);
  p.call("close", [CONTROL_FD], { ignore: ["EBADF"] });
  p.mark(restored);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  const whole = p.label("nothing has been done");
  p.branch(p.slot("served"), "eq", 0, whole);
  p.step({ action: `execute "${broken}"`, why: "somebody has to undo what was begun, and to say so" });
  p.call("execve", [p.text(broken), p.slot("argv"), p.slot("envp")]);
  p.mark(whole);
  p.step({ action: `execute "${alone}"`, why: "nothing needs the resident process: Node does the whole call" });
  p.call("execve", [p.text(alone), p.slot("argv"), p.slot("envp")]);
  emitSayNothingIsLeft(p, labels.cannot, name);
}

function emitSayNothingIsLeft(p: ProgramBuilder, cannot: Label, name: string): void {
  const text = `${name}: Cannot start: neither does a resident process answer, nor can Node.js be executed\n`;
  const silent = p.label("nobody reads it");
  p.mark(cannot);
  p.step({ action: "say that nothing can be done" });
  p.handler(silent);
  p.call("write", [2, p.text(text), text.length]);
  p.mark(silent);
  p.call("exit_group", [1]);
}
