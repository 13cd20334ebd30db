import { constants } from "node:os";
import {
  type Architecture,
  emitReport,
  type Label,
  POLLFD,
  type Pointer,
  type Program,
  ProgramBuilder,
  reportBuffer,
  type Slot,
} from "@orlop/kernel";

/** A page: what a pipe hands over at least, and little to keep for as long as a container runs. */
const CHUNK_BYTES = 4096;

/**
 * Writes what comes through a FIFO to a descriptor of the caller's, until the last who writes to the FIFO has gone; says
 * `started` when somebody may begin to write. It does not outlive the process that executes it.
 */
export function compileOutputRelay(architecture: Architecture, fifo: string, fd: 1 | 2): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const [from, length] = [p.slot("from"), p.slot("length")];
  const chunk = p.buffer(CHUNK_BYTES, "<chunk>");
  const [read, end] = [p.label("read"), p.label("the end of it")];
  p.role("output relay");
  p.step({ action: `open "${fifo}"` });
  p.handler(end);
  p.call("prctl", [p.flags("PR_SET_PDEATHSIG"), p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0, 0]);
  // What is typed at the terminal is for the process in the foreground, and what stops that is not to stop this one.
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(Buffer.alloc(8, 0xff), "~[]"), 0, 8]);
  p.call("openat", [p.flags("AT_FDCWD"), p.text(fifo), p.flags("O_RDONLY|O_NONBLOCK|O_CLOEXEC"), 0], { into: from });
  const input = emitPollFor(p, from, "POLLIN");
  const room = emitPollFor(p, fd, "POLLOUT");
  emitReport(p, report, "started");
  p.step({ action: "relay output" });
  p.mark(read);
  p.call("ppoll", [input, 1, 0, 0, 8], { on: ["EINTR"], goto: read });
  p.call("read", [from, chunk, CHUNK_BYTES], { into: length, on: ["EAGAIN", "EINTR"], goto: read });
  p.branch(length, "eq", 0, end);
  emitWriteAll(p, { fd, chunk, length, room }, read);
  p.mark(end);
  p.step({ action: "say that all is out" });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}

function emitPollFor(p: ProgramBuilder, fd: Slot | 1 | 2, events: "POLLIN" | "POLLOUT"): Pointer {
  const poll = p.buffer(POLLFD.size, `[{${events}}]`);
  p.store(poll, 4, fd);
  p.store(poll.at(POLLFD.fields.events.offset), 2, p.flags(events));
  return poll;
}

interface Writing {
  readonly fd: 1 | 2;
  readonly chunk: Pointer;
  readonly length: Slot;
  /** Asks whether there is room. */
  readonly room: Pointer;
}

/** All at first, byte by byte after a part was taken: the machine cannot subtract. What nobody takes any more is dropped. */
function emitWriteAll(p: ProgramBuilder, { fd, chunk, length, room }: Writing, next: Label): void {
  const [at, address, amount, written] = [p.slot("at"), p.slot("address"), p.slot("amount"), p.slot("written")];
  const [write, all, full] = [p.label("write"), p.label("all of it"), p.label("full")];
  p.set(at, 0);
  p.mark(write);
  p.set(amount, length);
  p.branch(at, "eq", 0, all);
  p.set(amount, 1);
  p.mark(all);
  p.add(address, chunk, at);
  p.call("write", [fd, address, amount], { into: written, on: "any", goto: full });
  p.add(at, at, written);
  p.branch(at, "lt", length, write);
  p.jump(next);
  p.mark(full);
  p.branch(written, "eq", p.number(-4, "-EINTR"), write);
  p.branch(written, "ne", p.number(-11, "-EAGAIN"), next);
  p.call("ppoll", [room, 1, 0, 0, 8], { ignore: ["EINTR"] });
  p.jump(write);
}
