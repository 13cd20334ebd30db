import { type Pointer, type ProgramBuilder, WINSIZE } from "@orlop/kernel";
import { COMMAND, COMMAND_BYTES } from "../process/control-command.ts";
import { TCGETS, TCSETS, TCSETSF, TERMIOS, TERMIOS_BYTES } from "../process/termios.ts";

/**
 * What cfmakeraw(3) clears and sets, by the numbers of termbits.h, but for `oflag`: the container's terminal leaves it to
 * the caller's to return the carriage.
 */
const RAW: readonly (readonly [at: number, clear: number, set: number])[] = [
  [TERMIOS.iflag, 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000, 0],
  [TERMIOS.lflag, 0o10 | 0o100 | 0o2 | 0o1 | 0o100000, 0],
  [TERMIOS.cflag, 0o60 | 0o400, 0o60],
];

/**
 * Makes the caller's terminal raw and passes its size on to the reaper that relays the container's; a caller without one
 * has neither. Returns where the settings are kept.
 */
export function emitTakeTerminal(p: ProgramBuilder, stateDirectory: string): Pointer {
  const saved = p.buffer(TERMIOS_BYTES, "{saved termios}");
  const raw = p.buffer(TERMIOS_BYTES, "{termios}");
  const flags = p.slot("flags");
  const control = p.slot("control");
  const none = p.label("no terminal of the caller's");
  p.set(p.slot("raw"), 0);
  p.step({ action: "make the caller's terminal raw" });
  const write = p.flags("O_WRONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(`${stateDirectory}/control`), write, 0], { into: control });
  p.call("ioctl", [0, p.number(TCGETS, "TCGETS"), saved], { on: "any", goto: none });
  p.call("ioctl", [0, p.number(TCGETS, "TCGETS"), raw]);
  for (const [at, clear, set] of RAW) {
    p.load(flags, raw.at(at), 4);
    p.and(flags, flags, p.number(~clear));
    p.add(flags, flags, set);
    p.store(raw.at(at), 4, flags);
  }
  p.store(raw.at(TERMIOS.vmin), 1, 1);
  p.store(raw.at(TERMIOS.vtime), 1, 0);
  // What has been typed already is the program's, too.
  p.call("ioctl", [0, p.number(TCSETS, "TCSETS"), raw]);
  p.set(p.slot("raw"), 1);
  emitPassSizeOn(p);
  p.mark(none);
  return saved;
}

/** Gives the caller's terminal its settings back, if they were taken. */
export function emitGiveTerminalBack(p: ProgramBuilder, saved: Pointer): void {
  const untouched = p.label("it was not taken");
  p.step({ action: "give the caller's terminal its settings back" });
  p.branch(p.slot("raw"), "eq", 0, untouched);
  p.call("ioctl", [0, p.number(TCSETSF, "TCSETSF"), saved], { ignore: "any" });
  p.mark(untouched);
}

/** The terminal has got another size. */
export function emitPassSizeOn(p: ProgramBuilder): void {
  const size = p.struct(WINSIZE, {});
  const record = p.buffer(COMMAND_BYTES, "<resize>");
  const packed = p.slot("size");
  const unknown = p.label("no size");
  p.call("ioctl", [0, p.flags("TIOCGWINSZ"), size], { on: "any", goto: unknown });
  p.load(packed, size, 4);
  p.store(record, 4, p.number(COMMAND.resize, "resize"));
  p.store(record.at(4), 4, packed);
  p.call("write", [p.slot("control"), record, COMMAND_BYTES], { ignore: "any" });
  p.mark(unknown);
}
