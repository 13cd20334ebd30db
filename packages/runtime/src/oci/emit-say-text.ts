import { type Label, POLLFD, type Pointer, type ProgramBuilder } from "@orlop/kernel";

/** What a pipe takes whole or not at all (pipe(7), PIPE_BUF). */
const CHUNK_BYTES = 4096;

/**
 * Writes a text to a descriptor, with SIGPIPE blocked. A reader that has gone hears nothing more; one that is slow is waited
 * for.
 */
export function emitSayText(p: ProgramBuilder, fd: number, bytes: Uint8Array): void {
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
