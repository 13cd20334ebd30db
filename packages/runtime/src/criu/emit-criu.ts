import { constants } from "node:os";
import {
  CLONE_ARGS,
  CMSG_ONE_FD,
  emitReport,
  IOVEC,
  type Label,
  MSGHDR,
  POLLFD,
  type Pointer,
  type ProgramBuilder,
  type Slot,
  TIMESPEC,
} from "@orlop/kernel";
import { CRIU_GO_ON } from "./criu-request.ts";
import type { CriuProgram } from "./find-criu.ts";

/**
 * Numbers of descriptors that a request names, above all that a program opens. CRIU finds the directories through the
 * process that made the socket, and the rest among its own.
 */
export const CRIU_FD = { socket: 60, images: 61, work: 62, null: 63, namespaces: 64 } as const;

/** Directories that a request names by {@link CRIU_FD}. */
export interface CriuDirectories {
  readonly imagePath: string;
  readonly workPath?: string;
}

/** The slots that a talk with CRIU is held with. */
export interface CriuTalk {
  readonly socket: Slot;
  readonly pid: Slot;
  readonly pidfd: Slot;
  /** What CRIU said last. */
  readonly message: Pointer;
  /** How long the name of its news is. */
  readonly nameLength: Slot;
  /** A descriptor that came with it. */
  readonly descriptor: Pointer;
}

const MESSAGE_BYTES = 4096;

/** Opens the directories, makes the socket, and leaves both ends in slots; `talk.socket` is ours. */
export function emitPrepareCriu(p: ProgramBuilder, { imagePath, workPath }: CriuDirectories): CriuTalk {
  const directory = p.slot("directory");
  for (const [path, number] of [
    [imagePath, CRIU_FD.images],
    [workPath, CRIU_FD.work],
  ] as const) {
    if (path === undefined) continue;
    p.step({ action: `open directory "${path}"` });
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC"), 0], {
      into: directory,
    });
    p.call("dup3", [directory, number, p.flags("O_CLOEXEC")]);
    p.call("close", [directory]);
  }
  const socket = p.slot("criu_socket");
  p.step({ action: "make a socket to criu" });
  const pair = p.buffer(8, "{criu_socket, criu_end}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(socket, pair, 4);
  p.load(p.slot("criu_end"), pair.at(4), 4);
  const control = p.struct(CMSG_ONE_FD, {});
  return {
    socket,
    pid: p.slot("criu"),
    pidfd: p.slot("criu_pidfd"),
    message: p.buffer(MESSAGE_BYTES, "<message>"),
    nameLength: p.slot("name_length"),
    descriptor: control,
  };
}

/** Clones the process that becomes CRIU, which goes on at `child`, into the version 2 cgroup of that slot if there is one. */
export function emitCloneCriu(p: ProgramBuilder, talk: CriuTalk, child: Label, cgroup?: Slot): void {
  const pidfd = p.buffer(8, "&criu_pidfd");
  p.step({ action: "start criu" });
  const args = p.struct(CLONE_ARGS, {
    flags: p.flags(cgroup === undefined ? "CLONE_PIDFD" : "CLONE_PIDFD|CLONE_INTO_CGROUP"),
    pidfd,
    exit_signal: p.number(constants.signals.SIGCHLD, "SIGCHLD"),
  });
  if (cgroup !== undefined) p.store(args.at(CLONE_ARGS.fields.cgroup.offset), 8, cgroup);
  p.call("clone3", [args, CLONE_ARGS.size], { into: talk.pid });
  p.branch(talk.pid, "eq", 0, child);
  p.load(talk.pidfd, pidfd, 4);
  p.call("close", [p.slot("criu_end")]);
}

/** What becomes CRIU; what fails before is reported, and seen by the end of its socket. */
export function emitCriuChild(p: ProgramBuilder, report: Pointer, become: () => void): void {
  const failed = p.label("not criu");
  p.role("criu");
  p.step({ action: "prepare criu" });
  p.handler(failed);
  become();
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [127]);
}

/** In the child: executes CRIU with its end of the socket; `keep` are further descriptors, each with the number it is to have. */
export function emitBecomeCriu(
  p: ProgramBuilder,
  { path, env }: CriuProgram,
  keep: readonly (readonly [Slot, number])[] = [],
): void {
  p.step({ action: `execute "${path}"` });
  const close = p.flags("CLOSE_RANGE_CLOEXEC");
  p.call("close_range", [3, p.number(0xffff_ffff, "~0U"), close], { ignore: ["EINVAL", "ENOSYS"] });
  for (const [slot, number] of [[p.slot("criu_end"), CRIU_FD.socket] as const, ...keep])
    p.call("dup3", [slot, number, 0]);
  p.call("execve", [p.text(path), p.vector(["criu", "swrk", String(CRIU_FD.socket)]), p.vector(env)]);
}

/** What CRIU tells in the course of its work, and waits to be told to go on. */
type CriuNews = "setup-namespaces" | "orphan-pts-master" | "post-restore" | "status-ready";

/**
 * The first bytes of a `criu_resp`: its type (field 1) and that it is a success (field 2). protobuf-c writes fields in the
 * order of their numbers.
 */
const success = (type: number): number => 0x0110_0008 | (type << 8);
const NOTIFY = 6;
/** Behind them, in news: field 5, a message whose field 1 is the name and whose field 2 is a pid; each length is below 128. */
const NEWS = { tag: 4, nameTag: 6, nameLength: 7, name: 8 } as const;
const NEWS_TAGS = { news: 0x2a, name: 0x0a } as const;

/**
 * Sends the request and hears CRIU out, until it says that all is done. Fails with EREMOTEIO when it says that it is not,
 * ECONNRESET when it is gone, EBADMSG when it says what nobody understands.
 */
export function emitTalk(
  p: ProgramBuilder,
  talk: CriuTalk,
  request: Uint8Array,
  on: Readonly<Partial<Record<CriuNews, () => void>>>,
): void {
  const { socket, message, nameLength, descriptor } = talk;
  const iov = p.struct(IOVEC, { iov_base: message, iov_len: MESSAGE_BYTES });
  const msg = p.struct(MSGHDR, {
    msg_iov: iov,
    msg_iovlen: 1,
    msg_control: descriptor,
    msg_controllen: CMSG_ONE_FD.size,
  });
  const got = p.slot("got");
  const name = p.slot("name");
  const hear = p.label("hear");
  const heard = p.label("heard");
  const goOn = p.label("tell it to go on");
  const done = p.label("criu is done");
  const news = p.label("news");
  p.step({ action: "tell criu what to do, and hear what it says" });
  const sent = p.bytes(request, "<request>");
  p.call("sendto", [socket, sent, request.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  p.mark(hear);
  p.store(msg.at(MSGHDR.fields.msg_controllen.offset), 8, CMSG_ONE_FD.size);
  p.call("recvmsg", [socket, msg, p.flags("MSG_CMSG_CLOEXEC")], { into: got, on: ["EINTR"], goto: hear });
  p.branch(got, "ne", 0, heard);
  p.fail("ECONNRESET");
  p.mark(heard);
  p.load(got, message, 4);
  p.branch(got, "eq", p.number(success(NOTIFY), "{NOTIFY, success}"), news);
  const [, type] = request;
  p.branch(got, "eq", p.number(success(type ?? 0), "{success}"), done);
  p.fail("EREMOTEIO");
  p.mark(news);
  emitExpectByte(p, message.at(NEWS.tag), NEWS_TAGS.news);
  emitExpectByte(p, message.at(NEWS.nameTag), NEWS_TAGS.name);
  p.load(nameLength, message.at(NEWS.nameLength), 1);
  p.load(name, message.at(NEWS.name), 8);
  for (const [wanted, body] of Object.entries(on)) {
    const not = p.label(`not ${wanted}`);
    const head = Buffer.from(wanted).readBigUInt64LE();
    p.branch(nameLength, "ne", wanted.length, not);
    p.branch(name, "ne", p.number(head, JSON.stringify(wanted.slice(0, 8))), not);
    body();
    p.jump(goOn);
    p.mark(not);
  }
  p.mark(goOn);
  p.call("sendto", [socket, p.bytes(CRIU_GO_ON, "<go on>"), CRIU_GO_ON.length, p.flags("MSG_NOSIGNAL"), 0, 0]);
  p.jump(hear);
  p.mark(done);
  p.call("close", [socket]);
}

function emitExpectByte(p: ProgramBuilder, at: Pointer, wanted: number): void {
  const byte = p.slot("byte");
  const right = p.label("understood");
  p.load(byte, at, 1);
  p.branch(byte, "eq", wanted, right);
  p.fail("EBADMSG");
  p.mark(right);
}

/** A pid is below 2^22 (PID_MAX_LIMIT, include/linux/threads.h): so many groups of seven bits. */
const PID_GROUPS_MAX = 4;

/** `into` = the pid that comes with the news: a varint behind the name and its tag. */
export function emitNewsPid(p: ProgramBuilder, { message, nameLength }: CriuTalk, into: Slot): void {
  const at = p.slot("at");
  const byte = p.slot("byte");
  const group = p.slot("group");
  const done = p.label("the pid is known");
  p.set(into, 0);
  p.add(at, nameLength, NEWS.name + 1);
  for (let index = 0; index < PID_GROUPS_MAX; index++) {
    p.load(byte, message, 1, at);
    p.and(group, byte, p.number(0x7f, "0x7f"));
    for (let doubled = 0; doubled < 7 * index; doubled++) p.add(group, group, group);
    p.add(into, into, group);
    p.branch(byte, "lt", p.number(0x80, "0x80"), done);
    p.add(at, at, 1);
  }
  p.mark(done);
}

/** How long a CRIU that has failed may take to put everything back. */
const CRIU_END_SECONDS = 10;

/**
 * After a failure of the talk: reports it, and ends CRIU. It undoes by itself what it did once its socket is closed; if
 * that takes too long, or it is dead, what it has cloned is killed, which is in its process group at first.
 */
export function emitAbandonCriu(p: ProgramBuilder, talk: CriuTalk, report: Pointer): void {
  const poll = p.struct(POLLFD, { events: p.flags("POLLIN") });
  const timeout = p.struct(TIMESPEC, { tv_sec: CRIU_END_SECONDS });
  const killer = p.slot("killer");
  const leave = p.label("leave");
  const killed = p.label("killed");
  const kill = p.number(constants.signals.SIGKILL, "SIGKILL");
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.step({ action: "let criu undo what it did" });
  p.call("close", [talk.socket], { ignore: "any" });
  p.store(poll, 4, talk.pidfd);
  p.call("ppoll", [poll, 1, timeout, 0, 8], { ignore: "any" });
  p.step({ action: "end what is left of it", why: "a process joins its group and ends that, itself included" });
  p.call("pidfd_send_signal", [talk.pidfd, kill, 0, 0], { ignore: "any" });
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: killer });
  p.branch(killer, "ne", 0, killed);
  p.call("setpgid", [0, talk.pid], { on: "any", goto: leave });
  p.call("kill", [0, kill], { ignore: "any" });
  p.mark(leave);
  p.call("exit_group", [0]);
  p.mark(killed);
  for (const pid of [killer, talk.pid]) {
    p.call("waitid", [p.flags("P_PID"), pid, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  }
}

/** After the talk: waits until CRIU has ended, however it did. */
export function emitAwaitCriu(p: ProgramBuilder, talk: CriuTalk): void {
  p.step({ action: "wait for the end of criu" });
  p.call("waitid", [p.flags("P_PID"), talk.pid, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
}
