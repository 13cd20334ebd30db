import { basename } from "node:path";
import { CONTROL_FD, emitReport, octal, POLLFD, type Program, STATX_MODE_OFFSET } from "@orlop/kernel";
import { emitOpenLog } from "./emit-open-log.ts";
import { emitPumpLoop } from "./emit-pump-loop.ts";
import type { PumpPlan } from "./pump-plan.ts";
import { NO_FD, POLL_COUNT, type PumpProgram, pumpProgram, STREAMS } from "./pump-program.ts";

/**
 * Compiles a log pump: the program beside a container that moves what the container writes from FIFOs into its log; see
 * log-layout.ts for what that looks like.
 *
 * It needs nobody, and nobody can end it but by SIGKILL, after which another pump goes on where it was.
 */
export function compilePump(plan: PumpPlan): Program {
  const pump = pumpProgram(plan, basename(plan.file));
  const { p, labels, memory } = pump;
  const begin = p.label("the pump begins");
  p.role("pump");
  emitPrepare(pump);
  emitFifos(pump);
  emitOpenLog(pump);
  p.step({ action: "tell that the pump is ready" });
  p.call("getpid", [], { into: p.slot("own") });
  emitReport(p, memory.report, "created", { value: p.slot("own") });
  p.step({ action: "give back the memory of what is done" });
  p.forgetStarter(labels.failed);
  p.forget({ from: undefined, to: begin, handler: labels.failed });
  p.mark(begin);
  emitPumpLoop(pump);
  emitReport(p, memory.report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(labels.failed);
  p.step({ action: "report a failure of the pump" });
  emitReport(p, memory.report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, memory.report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}

function emitPrepare({ p, labels, slots }: PumpProgram): void {
  p.step({ action: "prepare the log pump" });
  p.handler(labels.failed);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(Buffer.alloc(8, 0xff), "~[]"), 0, 8]);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-log"), 0, 0, 0]);
  p.call("setsid", [], { ignore: ["EPERM"] });
  p.call("close_range", [0, CONTROL_FD - 1, 0]);
  p.call("close_range", [CONTROL_FD + 1, p.number(0xffff_ffff, "~0U"), 0]);
  p.call("umask", [0]);
  p.step({ action: 'open "/dev/null"', why: "what there is no room for goes there" });
  const flags = p.flags("O_WRONLY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), flags, 0], { into: slots.nothing });
}

/**
 * A process of the container may open its output anew by the name /dev/stdout, whoever it is: the FIFOs take everybody's
 * writes, and are in a directory that nobody else gets into.
 */
const FIFO_MODE = 0o622;

function emitFifos(pump: PumpProgram): void {
  const { p, plan, memory } = pump;
  const directory = p.slot("directory");
  p.step({ action: `open directory "${plan.directory}"` });
  const flags = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(plan.directory), flags, 0], { into: directory });
  for (const index of Array(POLL_COUNT).keys()) {
    p.store(memory.polls.at(index * POLLFD.size), 4, p.number(NO_FD, "none"));
  }
  const caller = STREAMS.length * POLLFD.size;
  p.store(memory.polls.at(caller), 4, CONTROL_FD);
  if (plan.stdin) emitFifo(pump, "stdin", undefined);
  for (const [index, name] of STREAMS.entries()) if (index === 0 || !plan.terminal) emitFifo(pump, name, index);
  p.call("close", [directory]);
}

/** Makes one, unless it is there; opens it where it is watched. */
function emitFifo({ p, plan, memory }: PumpProgram, name: string, index: number | undefined): void {
  const directory = p.slot("directory");
  const [fd, type] = [p.slot("from"), p.slot("field")];
  const right = p.label("it is a FIFO");
  const open = p.flags(`${index === undefined ? "O_PATH" : "O_RDONLY|O_NONBLOCK"}|O_NOFOLLOW|O_CLOEXEC`);
  p.step({ action: `make FIFO "${plan.directory}/${name}"` });
  const mode = p.number(S_IFIFO | FIFO_MODE, "S_IFIFO|0622");
  p.call("mknodat", [directory, p.text(name), mode, 0], { ignore: ["EEXIST"] });
  p.call("openat", [directory, p.text(name), open, 0], { into: fd });
  p.call("statx", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_TYPE"), memory.stat]);
  p.load(type, memory.stat.at(STATX_MODE_OFFSET), 2);
  p.and(type, type, p.flags("S_IFMT"));
  p.branch(type, "eq", octal(p, S_IFIFO), right);
  p.fail("EEXIST");
  p.mark(right);
  if (index === undefined) {
    p.call("close", [fd]);
    return;
  }
  const entry = memory.polls.at(index * POLLFD.size, POLLFD.size);
  p.store(entry, 4, fd);
  p.store(entry.at(POLLFD.fields.events.offset), 2, p.flags("POLLIN"));
}

const S_IFIFO = 0o10000;
