import { readFileSync } from "node:fs";
import { hostArchitecture } from "@orlop/kernel";
import type { CallHands } from "./call-hands.ts";
import { compileTerminalGuard } from "./terminal-guard-program.ts";

/**
 * Has somebody give a launcher's terminal its settings back if that is killed. Resolves when it is on guard; disposing of the
 * result ends it, which is due before the launcher ends by itself.
 */
export async function startTerminalGuard(hands: CallHands, launcherPid: number): Promise<Disposable> {
  const started = Promise.withResolvers<void>();
  let pid: number | undefined;
  hands.submit(compileTerminalGuard(hostArchitecture(), launcherPid), ({ kind, value }) => {
    if (kind === "begun") pid = value;
    if (kind === "started" || kind === "ended" || kind === "unstarted") started.resolve();
    if (kind === "ended") pid = undefined;
  });
  await started.promise;
  return {
    [Symbol.dispose]: () => {
      // Of a launcher that lives it is a child that nobody has waited for. Of one that has been killed it has yet to do.
      if (pid !== undefined && isAlive(launcherPid)) process.kill(pid, "SIGKILL");
    },
  };
}

/** proc_pid_stat(5): the third field, behind a name in parentheses. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
  } catch {
    return false;
  }
}
