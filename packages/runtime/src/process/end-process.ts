import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { ProgramBuilder } from "@orlop/kernel";
import type { HookRunner } from "./container-hooks.ts";
import type { PinnedProcess } from "./pinned-process.ts";
import { runProgram } from "./run-program.ts";

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
  const action = `send signal ${signal} to the container's init`;
  await runProgram(zygote, host.architecture, action, (p) =>
    emitSignal(p, `/proc/${host.pid}/fd/${pinned.fd}`, signal),
  );
}

/** Sends a signal to the process whose directory this process has open at `path`. */
function emitSignal(p: ProgramBuilder, path: string, signal: number): void {
  const gone = p.label("it has ended");
  const init = p.slot("init");
  const flags = p.flags("O_RDONLY|O_DIRECTORY|O_CLOEXEC");
  // Once it has been reaped its directory cannot be opened again.
  p.call("openat", [p.flags("AT_FDCWD"), p.text(path), flags, 0], { into: init, on: ["ESRCH"], goto: gone });
  p.call("pidfd_send_signal", [init, signal, 0, 0], { ignore: ["ESRCH"] });
  p.mark(gone);
}
