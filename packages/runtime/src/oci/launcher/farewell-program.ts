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
} from "@orlop/kernel";

/** What a pipe takes whole or not at all (pipe(7), PIPE_BUF). */
const CHUNK_BYTES = 4096;

interface Farewell {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly status: number;
}

/** The most that one program says, with all that it needs for it: it has to fit into a frame. */
export const FAREWELL_TEXT_MAX_BYTES: number = 256 * 1024;

/** What a call becomes at its end: says what there is to say, and ends with its exit status. */
export function compileFarewell(architecture: Architecture, { stdout, stderr, status }: Farewell): Program {
  const p = new ProgramBuilder(architecture);
  p.role("farewell");
  emitSurviveReaders(p, "begin the end");
  for (const [fd, text] of [
    [1, stdout],
    [2, stderr],
  ] as const) {
    emitSay(p, fd, text);
  }
  p.step({ action: `end with status ${status}`, why: "and say that somebody has heard it" });
  emitReport(p, reportBuffer(p), "started");
  p.call("exit_group", [status]);
  return p.build();
}

/** A program that only says something, for execution in a child: `ended` when it has. */
export function compileSay(architecture: Architecture, stdout: Uint8Array): Program {
  const p = new ProgramBuilder(architecture);
  p.role("say");
  emitSurviveReaders(p, "begin to speak");
  emitSay(p, 1, stdout);
  p.step({ action: "say that it is said" });
  emitReport(p, reportBuffer(p), "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}

const SIGPIPE_MASK = 1n << BigInt(constants.signals.SIGPIPE - 1);

/** What was to be done is done, whether anybody reads of it or not. */
function emitSurviveReaders(p: ProgramBuilder, action: string): void {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(SIGPIPE_MASK);
  p.step({ action });
  p.call("rt_sigprocmask", [p.flags("SIG_BLOCK"), p.bytes(mask, "[PIPE]"), 0, 8]);
}

/** A reader that has gone hears nothing more; one that is slow is waited for. */
function emitSay(p: ProgramBuilder, fd: number, bytes: Uint8Array): void {
  const deaf = p.label(`nobody reads ${fd}`);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    p.step({ action: `say ${chunk.length} bytes on descriptor ${fd}` });
    emitWrite(p, fd, p.bytes(chunk, `<${chunk.length} bytes>`), deaf);
  }
  p.mark(deaf);
}

function emitWrite(p: ProgramBuilder, fd: number, chunk: Pointer, deaf: Label): void {
  const write = p.label("write");
  const full = p.label("full");
  const written = p.label("written");
  const result = p.slot("result");
  const polls = p.buffer(POLLFD.size, `[{${fd}, POLLOUT}]`);
  p.store(polls, 4, fd);
  p.store(polls.at(POLLFD.fields.events.offset), 2, p.flags("POLLOUT"));
  p.mark(write);
  p.call("write", [fd, chunk, chunk.length], { into: result, on: "any", goto: full });
  p.jump(written);
  p.mark(full);
  p.branch(result, "eq", p.number(-4, "-EINTR"), write);
  p.branch(result, "ne", p.number(-11, "-EAGAIN"), deaf);
  p.call("ppoll", [polls, 1, 0, 0, 8], { ignore: ["EINTR"] });
  p.jump(write);
  p.mark(written);
}
