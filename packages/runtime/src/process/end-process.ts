import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { emitReport, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import type { HookRunner } from "./container-hooks.ts";
import { FollowedProgram } from "./followed-program.ts";
import type { PinnedProcess } from "./pinned-process.ts";
import type { HostView } from "./supervision.ts";

/** As long as killCgroup waits, in all. */
const POLL_MAX = 1000;
const POLL_FIRST_MS = 1;
const POLL_LAST_MS = 20;

/**
 * Ends a process and waits until it has ended. Not by its pid, which could be another's by the time that a signal is sent:
 * by its directory in procfs.
 */
export async function endProcess(runner: HookRunner, pinned: PinnedProcess): Promise<void> {
  await signalProcess(runner, pinned, constants.signals.SIGKILL);
  for (let poll = 0; pinned.alive(); poll++) {
    if (poll === POLL_MAX) {
      throw new OrlopError("failed", "Cannot end the container's init: it survived a SIGKILL", { operation: "kill" });
    }
    await sleep(Math.min(POLL_FIRST_MS + poll, POLL_LAST_MS));
  }
}

/** Sends a signal to a process by its directory in procfs; one that has ended takes it without a word. */
export async function signalProcess(
  { zygote, host }: HookRunner,
  pinned: PinnedProcess,
  signal: number,
): Promise<void> {
  const followed = new FollowedProgram(compileSignal(host, pinned.fd, signal));
  zygote.submit(followed.program, followed.onReport);
  await followed.exited.promise;
}

/** A program that sends a signal to the process whose directory this process has open as `fd`. */
function compileSignal({ architecture, pid }: HostView, fd: number, signal: number): Program {
  const p = new ProgramBuilder(architecture);
  const failed = p.label("failed");
  const gone = p.label("it has ended");
  const report = reportBuffer(p);
  const init = p.slot("init");
  p.step({ action: `send signal ${signal} to the container's init` });
  p.handler(failed);
  const path = p.text(`/proc/${pid}/fd/${fd}`);
  const flags = p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC");
  // Once it has been reaped its directory cannot be opened again.
  p.call("openat", [p.flags("AT_FDCWD"), path, flags, 0], { into: init, on: ["ESRCH"], goto: gone });
  p.call("pidfd_send_signal", [init, signal, 0, 0], { ignore: ["ESRCH"] });
  p.mark(gone);
  emitReport(p, report, "created");
  emitReport(p, report, "exited");
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}
