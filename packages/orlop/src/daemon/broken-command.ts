import { ownProcessMark, processMark } from "@orlop/kernel";
import type { Command } from "../command.ts";
import { printError } from "../print.ts";
import { readMachineView } from "../run/machine-view.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { removeContainersOf } from "../run/sweep-orphans.ts";

/**
 * What a launcher executes when the daemon has gone in the middle of its call: in its own place, to undo what was begun and
 * say so; or beside it, when its process in the foreground has ended, to remove the container of that.
 */
export const brokenCommand: Command = {
  name: "_broken",
  usage: "WORD...",
  description: "Finishes or undoes a call that a daemon has left. The launcher executes it.",
  examples: [],
  table: { flags: [] },
  failureExitCode: 125,
  async run() {
    const { uid, env } = readMachineView();
    const state = stateDirectory(uid, env);
    if ((await removeContainersOf(state, processMark(process.ppid))) > 0) return 0;
    // What is still being made then ends with this process, which is its maker.
    await removeContainersOf(state, ownProcessMark());
    printError("Cannot finish this call: the daemon that served it has ended\nTry it again.");
    return 125;
  },
};
