import {
  emitReport,
  emitSendWithDescriptor,
  hostArchitecture,
  IOVEC,
  type Label,
  MSGHDR,
  POLLFD,
  type Pointer,
  type Program,
  ProgramBuilder,
  reportBuffer,
  TIMESPEC,
} from "@orlop/kernel";
import { NOTIFY_SOCKET } from "./notify-mount.ts";
import { unixAddress } from "./unix-address.ts";

export interface NotifyPlan {
  /** Absolute: the directory that the container sees. */
  readonly directory: string;
  /** The service manager's socket, as NOTIFY_SOCKET names it. */
  readonly manager: string;
  /** Pid of the container's init, with which the waiting ends. */
  readonly container: number;
  /** The process that the manager is to watch from then on; absent: it watches what it has watched. */
  readonly mainPid?: number;
  /** The process in whose name it is told, if the kernel lets us: the one that the manager has started. */
  readonly sender: number;
}

/** What systemd reads of a datagram at most is 4 kB, and no client sends more. */
const DATAGRAM_MAX_BYTES = 4096;

/**
 * Waits for the container to say that it is ready, and tells the service manager: sd_notify(3). Nothing else that the
 * container says gets there. Reports `created` when the container's socket is there.
 */
export function compileNotify(plan: NotifyPlan): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const failed = p.label("failed");
  const end = p.label("end");
  p.role("notifier");
  p.step({ action: `make the container's socket in "${plan.directory}"` });
  p.handler(failed);
  emitMakeSocket(p, plan.directory);
  p.step({ action: "find the container's init" });
  p.call("pidfd_open", [plan.container, 0], { into: p.slot("init") });
  emitReport(p, report, "created");
  emitAwaitReady(p, end);
  emitConnect(p, plan.manager);
  emitTell(p, plan);
  emitBarrier(p);
  p.jump(end);
  p.mark(failed);
  p.step({ action: "tell of the failure" });
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.mark(end);
  p.step({ action: "end" });
  emitReport(p, report, "ended");
  p.call("exit_group", [0]);
  return p.build();
}

/** Only now: the manager need not have been there before. */
function emitConnect(p: ProgramBuilder, manager: string): void {
  const address = unixAddress(manager);
  const socket = p.slot("manager");
  p.step({ action: `connect to service manager "${manager}"` });
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_DGRAM|SOCK_CLOEXEC"), 0], { into: socket });
  p.call("connect", [socket, p.bytes(address, JSON.stringify(manager)), address.length]);
}

/** In the directory itself, because the path of a socket is short. */
function emitMakeSocket(p: ProgramBuilder, directory: string): void {
  const inside = p.slot("inside");
  const address = unixAddress(NOTIFY_SOCKET);
  p.call("chdir", [p.text(directory)]);
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_DGRAM|SOCK_CLOEXEC"), 0], { into: inside });
  p.call("bind", [inside, p.bytes(address, JSON.stringify(NOTIFY_SOCKET)), address.length]);
  // Whoever the container's user is.
  p.call("fchmodat", [p.flags("AT_FDCWD"), p.text(NOTIFY_SOCKET), p.number(0o777, "0777")]);
}

const READY = "READY=1";
const WORD_BYTES = 8;

/** Returns when a line of what the container says is `READY=1`; goes to `end` when it ends without. */
function emitAwaitReady(p: ProgramBuilder, end: Label): void {
  const length = p.slot("length");
  const ready = p.slot("ready");
  const said = p.label("it said something");
  const wait = p.label("wait");
  const found = p.label("it is ready");
  // What is compared is read as a whole word, also at the end.
  const datagram = p.buffer(DATAGRAM_MAX_BYTES + WORD_BYTES, "<datagram>");
  const polls = p.buffer(2 * POLLFD.size, "[inside, init]");
  const { events, revents } = POLLFD.fields;
  p.step({ action: "wait for the container to be ready" });
  for (const [index, slot] of [p.slot("inside"), p.slot("init")].entries()) {
    p.store(polls.at(index * POLLFD.size), 4, slot);
    p.store(polls.at(index * POLLFD.size + events.offset), 2, p.flags("POLLIN"));
  }
  p.mark(wait);
  p.call("ppoll", [polls, 2, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.load(ready, polls.at(revents.offset), 2);
  p.branch(ready, "ne", 0, said);
  p.jump(end);
  p.mark(said);
  p.call("recvfrom", [p.slot("inside"), datagram, DATAGRAM_MAX_BYTES, 0, 0, 0], { into: length });
  emitFindLine(p, datagram, wait, found);
  p.mark(found);
}

/** Goes to `found` if one of the lines is {@link READY}, else to `absent`. */
function emitFindLine(p: ProgramBuilder, datagram: Pointer, absent: Label, found: Label): void {
  const length = p.slot("length");
  const at = p.slot("at");
  const behind = p.slot("behind");
  const word = p.slot("word");
  const line = p.label("a line");
  const skip = p.label("the rest of the line");
  const matches = p.label("it begins so");
  p.set(at, 0);
  p.mark(line);
  p.add(behind, at, READY.length);
  p.branch(length, "lt", behind, absent);
  p.load(word, datagram, WORD_BYTES, at);
  p.and(word, word, p.number(0x00ff_ffff_ffff_ffffn));
  p.branch(word, "eq", p.number(Buffer.from(`${READY}\0`).readBigUInt64LE(), JSON.stringify(READY)), matches);
  p.mark(skip);
  p.load(word, datagram, 1, at);
  p.add(at, at, 1);
  p.branch(word, "eq", p.number(0x0a, "'\\n'"), line);
  p.branch(at, "lt", length, skip);
  p.jump(absent);
  p.mark(matches);
  p.branch(behind, "eq", length, found);
  p.load(word, datagram, 1, behind);
  p.branch(word, "ne", p.number(0x0a, "'\\n'"), skip);
}

/** include/linux/socket.h */
const SCM_CREDENTIALS = 2;
/** struct cmsghdr, then struct ucred: pid, uid, gid; CMSG_SPACE. */
const CREDENTIALS_BYTES = 32;
const CREDENTIALS_LENGTH = 28;

/** In the name of the process that the manager started, which needs CAP_SYS_ADMIN; without it, in our own. */
function emitTell(p: ProgramBuilder, { mainPid, sender }: NotifyPlan): void {
  const text = Buffer.from(mainPid === undefined ? READY : `${READY}\nMAINPID=${mainPid}\n`);
  const told = p.label("told");
  const plain = p.label("in our own name");
  const pointer = p.bytes(text, JSON.stringify(text.toString()));
  const iov = p.struct(IOVEC, { iov_base: pointer, iov_len: text.length });
  const control = credentials(sender);
  const msg = p.struct(MSGHDR, {
    msg_iov: iov,
    msg_iovlen: 1,
    msg_control: p.bytes(control, `{SCM_CREDENTIALS, pid=${sender}}`),
    msg_controllen: control.length,
  });
  p.step({ action: "tell the service manager that the container is ready" });
  p.call("sendmsg", [p.slot("manager"), msg, p.flags("MSG_NOSIGNAL")], { on: ["EPERM", "ESRCH"], goto: plain });
  p.jump(told);
  p.mark(plain);
  p.call("sendto", [p.slot("manager"), pointer, text.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  p.mark(told);
}

function credentials(pid: number): Buffer {
  const control = Buffer.alloc(CREDENTIALS_BYTES);
  control.writeBigUInt64LE(BigInt(CREDENTIALS_LENGTH));
  control.writeUInt32LE(1, 8);
  control.writeUInt32LE(SCM_CREDENTIALS, 12);
  control.writeInt32LE(pid, 16);
  control.writeUInt32LE(process.geteuid?.() ?? 0, 20);
  control.writeUInt32LE(process.getegid?.() ?? 0, 24);
  return control;
}

const BARRIER = "BARRIER=1";
const BARRIER_MAX_SECONDS = 30;

/**
 * Stays until the manager has read what was said, which it tells by closing a pipe (sd_notify_barrier(3)): it finds out
 * whose word it is by looking for the process.
 */
function emitBarrier(p: ProgramBuilder): void {
  const pipe = p.buffer(8, "[pipe]");
  const out = p.slot("pipe_out");
  const into = p.slot("pipe_in");
  const poll = p.buffer(POLLFD.size, "[pipe]");
  const { events } = POLLFD.fields;
  p.step({ action: "wait until the service manager has read it" });
  p.call("pipe2", [pipe, p.flags("O_CLOEXEC")]);
  p.load(out, pipe, 4);
  p.load(into, pipe.at(4), 4);
  emitSendWithDescriptor(p, p.slot("manager"), into, { at: p.text(BARRIER), length: BARRIER.length });
  p.call("close", [into]);
  p.store(poll, 4, out);
  p.store(poll.at(events.offset), 2, p.flags("POLLIN"));
  p.call("ppoll", [poll, 1, p.struct(TIMESPEC, { tv_sec: BARRIER_MAX_SECONDS }), 0, 8], { ignore: ["EINTR"] });
}
