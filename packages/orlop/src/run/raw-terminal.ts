import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import {
  CONTROL_FD,
  emitReport,
  errnoName,
  errnoWords,
  hostArchitecture,
  POLLFD,
  type Program,
  ProgramBuilder,
  reportBuffer,
  Zygote,
} from "@orlop/kernel";

/** asm-generic/ioctls.h. */
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;

/** struct termios of asm-generic/termbits.h: four words of flags, the line discipline, 19 control characters. */
export const TERMIOS_BYTES = 40;
const FLAGS = { c_iflag: 0, c_oflag: 4, c_cflag: 8, c_lflag: 12 } as const;
const VTIME_AT = 17 + 5;
const VMIN_AT = 17 + 6;

/** What cfmakeraw(3) clears, by the names of asm-generic/termbits.h. */
const CLEARED = {
  // IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON
  c_iflag: 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000,
  // OPOST: Node's own raw mode keeps it, and then the container's line feeds become two things
  c_oflag: 0o1,
  // CSIZE, PARENB
  c_cflag: 0o60 | 0o400,
  // ISIG, ICANON, ECHO, ECHONL, IEXTEN
  c_lflag: 0o1 | 0o2 | 0o10 | 0o100 | 0o100000,
} as const;
const CS8 = 0o60;

/**
 * The caller's terminal in raw mode: what is typed goes to the container as it is, Ctrl-C included.
 *
 * A program of its own holds the terminal. It puts the old settings back when it is told to, and also when this process
 * has ended in whatever way: it sees its socket close. Nobody is left with a terminal that does not echo.
 */
export class RawTerminal implements AsyncDisposable {
  readonly #zygote: Zygote;
  readonly #pid: number;
  readonly #ended: Promise<void>;

  private constructor(zygote: Zygote, pid: number, ended: Promise<void>) {
    this.#zygote = zygote;
    this.#pid = pid;
    this.#ended = ended;
  }

  /** Resolves when standard input, a terminal, is in raw mode. */
  static async take(): Promise<RawTerminal> {
    const zygote = Zygote.start({ stdio: "inherit" });
    const guard = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<void>();
    zygote.submit(guardProgram(), ({ kind, value }) => {
      if (kind === "started") guard.resolve(value);
      if (kind === "failed" || kind === "unstarted") guard.reject(failure(value));
      if (kind !== "ended") return;
      guard.reject(failure(0));
      ended.resolve();
    });
    try {
      return new RawTerminal(zygote, await guard.promise, ended.promise);
    } catch (error) {
      zygote.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.kill(this.#pid, "SIGTERM");
    await this.#ended;
    this.#zygote.close();
  }
}

function failure(errno: number): OrlopError {
  const what = errno === 0 ? "the program that holds it was killed" : errnoWords(errnoName(errno));
  return new OrlopError("failed", `Cannot put the terminal in raw mode: ${what}`);
}

function guardProgram(): Program {
  const p = new ProgramBuilder(hostArchitecture());
  const report = reportBuffer(p);
  const failed = p.label("failed");
  const saved = p.buffer(TERMIOS_BYTES, "{saved}");
  const raw = p.buffer(TERMIOS_BYTES, "{raw}");
  p.role("terminal guard");
  p.step({ action: "keep the terminal's settings" });
  p.handler(failed);
  const signals = emitTakeTerminate(p);
  p.call("ioctl", [0, p.number(TCGETS, "TCGETS"), saved]);
  p.step({ action: "put the terminal in raw mode" });
  emitMakeRaw(p, saved, raw);
  p.call("ioctl", [0, p.number(TCSETS, "TCSETS"), raw]);
  const own = p.slot("own_pid");
  p.call("getpid", [], { into: own });
  emitReport(p, report, "started", { value: own });
  p.step({ action: "wait for the end", why: "of the container, or of the process that made it" });
  emitWait(p, signals);
  p.step({ action: "give the terminal back as it was" });
  p.call("ioctl", [0, p.number(TCSETS, "TCSETS"), saved], { ignore: "any" });
  emitReport(p, report, "ended");
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}

type Slot = ReturnType<ProgramBuilder["slot"]>;
type Pointer = ReturnType<ProgramBuilder["buffer"]>;

/** Makes SIGTERM something to be read. */
function emitTakeTerminate(p: ProgramBuilder): Slot {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(1n << BigInt(constants.signals.SIGTERM - 1));
  const terminate = p.bytes(mask, "[TERM]");
  const signals = p.slot("signals");
  p.call("rt_sigprocmask", [p.flags("SIG_BLOCK"), terminate, 0, 8]);
  p.call("signalfd4", [p.number(-1), terminate, 8, p.flags("O_CLOEXEC")], { into: signals });
  return signals;
}

function emitMakeRaw(p: ProgramBuilder, saved: Pointer, raw: Pointer): void {
  const word = p.slot("word");
  for (let at = 0; at < TERMIOS_BYTES; at += 8) {
    p.load(word, saved.at(at), 8);
    p.store(raw.at(at), 8, word);
  }
  for (const name of ["c_iflag", "c_oflag", "c_cflag", "c_lflag"] as const) {
    p.load(word, saved.at(FLAGS[name]), 4);
    p.and(word, word, p.number(~CLEARED[name] >>> 0, `~${CLEARED[name].toString(8)}`));
    if (name === "c_cflag") p.add(word, word, p.number(CS8, "CS8"));
    p.store(raw.at(FLAGS[name]), 4, word);
  }
  p.store(raw.at(VMIN_AT), 1, 1);
  p.store(raw.at(VTIME_AT), 1, 0);
}

function emitWait(p: ProgramBuilder, signals: Slot): void {
  const fds = p.buffer(2 * POLLFD.size, "[{3, POLLHUP}, {signals, POLLIN}]");
  const wait = p.label("wait");
  p.store(fds, 4, CONTROL_FD);
  p.store(fds.at(POLLFD.size), 4, signals);
  p.store(fds.at(POLLFD.size + POLLFD.fields.events.offset), 2, p.flags("POLLIN"));
  p.mark(wait);
  p.call("ppoll", [fds, 2, 0, 0, 8], { on: ["EINTR"], goto: wait });
}
