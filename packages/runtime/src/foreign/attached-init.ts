import type { Mount, Process } from "@orlop/core";
import { CONTROL_FD, emitMachineWith } from "@orlop/kernel";
import { emitCloseOnExec, emitExecute } from "../process/execute.ts";
import { emitPidOne, emitPidOneAlone } from "../process/pid-one.ts";
import { type HostView, superviseIn } from "../process/supervision.ts";

/** Where it is bound inside the container; in memory, as long as there is the usual /dev. */
const INIT_PATH = "/dev/orlop-init";

/** Exit statuses of a shell, which docker's init has, too. */
const STATUS = { notFound: 127, refused: 126 } as const;

/**
 * Our small init as an executable of its own, for a runtime that has none: it starts `process`, forwards signals, reaps
 * orphans and ends with its status. A program that cannot be executed ends it with 127 or 126.
 *
 * @param alone it starts nothing, and ends when it is told to
 */
export function attachedInit(process: Process, host: HostView, stateDirectory: string, alone: boolean): Buffer {
  const nothing = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
  const terminal = process.terminal === true;
  const s = superviseIn({ host, stateDirectory, stdio: nothing, terminal, detached: true });
  const { p } = s;
  const failed = p.label("failed");
  const missing = p.label("the program is missing");
  p.role("init");
  p.step({ action: "be the container's init" });
  p.handler(failed);
  if (alone) {
    emitPidOneAlone(p);
    p.mark(failed);
    p.call("exit_group", [STATUS.refused]);
    return emitMachineWith(p.build());
  }
  emitPidOne(s);
  // Nobody is told of a failure but by the exit status.
  const told = p.slot("told");
  p.set(told, CONTROL_FD);
  emitCloseOnExec(p);
  emitExecute(p, process, { told });
  p.mark(failed);
  p.step({ action: "end as a shell does" });
  p.branch(p.failedErrno, "eq", p.number(ENOENT, "ENOENT"), missing);
  p.call("exit_group", [STATUS.refused]);
  p.mark(missing);
  p.call("exit_group", [STATUS.notFound]);
  return emitMachineWith(p.build());
}

const ENOENT = 2;

/** The process with the init in front, and the mount that it needs of the file `source`. */
export function behindInit(process: Process, source: string): { readonly process: Process; readonly mount: Mount } {
  const options = ["bind", "ro", "nosuid"];
  return {
    // The words behind the first are for those who list processes.
    process: { ...process, args: [INIT_PATH, "--", ...process.args] },
    mount: { destination: INIT_PATH, type: "bind", source, options },
  };
}
