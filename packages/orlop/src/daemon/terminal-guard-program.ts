import { type Architecture, emitReport, POLLFD, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import { TCGETS, TCSETS, TERMIOS_BYTES } from "../run/raw-terminal.ts";

/** struct termios of asm-generic/termbits.h. */
const C_LFLAG_AT = 12;
const ICANON = 0o2;

/**
 * Gives a terminal its settings back when the launcher that makes it raw is killed, which cannot do so itself then: as they
 * are now, which `started` says that it has learnt. To be killed before the launcher ends otherwise.
 */
export function compileTerminalGuard(architecture: Architecture, launcherPid: number): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const saved = p.buffer(TERMIOS_BYTES, "{saved}");
  const now = p.buffer(TERMIOS_BYTES, "{now}");
  const polls = p.buffer(POLLFD.size, "[{launcher, POLLIN}]");
  const [launcher, mode] = [p.slot("launcher"), p.slot("mode")];
  const [wait, end] = [p.label("wait"), p.label("nothing to do")];
  p.role("terminal guard");
  p.step({ action: "keep the terminal's settings" });
  p.handler(end);
  // A terminal takes settings of who would be stopped for it only if that cannot be.
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(Buffer.alloc(8, 0xff), "~[]"), 0, 8]);
  p.call("pidfd_open", [launcherPid, 0], { into: launcher });
  p.call("ioctl", [0, p.number(TCGETS, "TCGETS"), saved]);
  p.store(polls, 4, launcher);
  p.store(polls.at(POLLFD.fields.events.offset), 2, p.flags("POLLIN"));
  emitReport(p, report, "started");
  p.step({ action: "wait for the launcher's end" });
  p.mark(wait);
  p.call("ppoll", [polls, 1, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.step({ action: "give the terminal back as it was", why: "if nobody else has" });
  p.call("ioctl", [0, p.number(TCGETS, "TCGETS"), now]);
  p.load(mode, now.at(C_LFLAG_AT), 4);
  p.and(mode, mode, ICANON);
  p.branch(mode, "ne", 0, end);
  p.call("ioctl", [0, p.number(TCSETS, "TCSETS"), saved]);
  p.mark(end);
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}
