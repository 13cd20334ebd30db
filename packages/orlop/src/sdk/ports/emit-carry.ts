import { constants } from "node:os";
import { CLONE_ARGS, type ProgramBuilder, type Slot } from "@orlop/kernel";

const BUFFER_BYTES = 32 * 1024;

/** Carries bytes between two sockets, with a process for each way, until both have had enough; the program ends then. */
export function emitCarryBothWays(p: ProgramBuilder, inside: Slot, outside: Slot): void {
  const [back, child] = [p.label("carry what comes from outside"), p.slot("child")];
  p.step({ action: "carry bytes both ways" });
  const args = p.struct(CLONE_ARGS, { exit_signal: p.number(constants.signals.SIGCHLD, "SIGCHLD") });
  const buffer = p.buffer(BUFFER_BYTES, "<bytes>");
  p.call("clone3", [args, CLONE_ARGS.size], { into: child });
  p.branch(child, "ne", 0, back);
  emitCarry(p, inside, outside, buffer);
  p.call("exit_group", [0]);
  p.mark(back);
  emitCarry(p, outside, inside, buffer);
  p.call("wait4", [child, 0, 0, 0], { ignore: "any" });
  p.call("exit_group", [0]);
}

/** Until `from` has ended or `to` takes no more, which is told the end then. */
function emitCarry(p: ProgramBuilder, from: Slot, to: Slot, buffer: ReturnType<ProgramBuilder["buffer"]>): void {
  const [again, end] = [p.label("next bytes"), p.label("no more bytes")];
  const [got, sent] = [p.slot("got"), p.slot("sent")];
  p.mark(again);
  p.call("recvfrom", [from, buffer, BUFFER_BYTES, 0, 0, 0], { into: got, on: "any", goto: end });
  p.branch(got, "eq", 0, end);
  // A socket that blocks takes all of it, or fails.
  p.call("sendto", [to, buffer, got, p.flags("MSG_NOSIGNAL"), 0, 0], { into: sent, on: "any", goto: end });
  p.branch(sent, "eq", got, again);
  p.mark(end);
  p.call("shutdown", [to, p.flags("SHUT_WR")], { ignore: "any" });
}
