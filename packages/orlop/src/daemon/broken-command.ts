import { ownProcessMark, processMark } from "@orlop/kernel";
import type { Command } from "../command.ts";
import { printError } from "../print.ts";
import { readMachineView } from "../run/machine-view.ts";
import { openRuntime } from "../run/open-runtime.ts";
import type { Orphan } from "../run/run-marker.ts";
import { parseRuntime } from "../run/runtime-choice.ts";
import { SignalProxy } from "../run/signal-proxy.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { removeContainersOf } from "../run/sweep-orphans.ts";
import { watchWindowSize } from "../run/window-size.ts";

/**
 * What a launcher executes in its own place when the daemon has gone in the middle of its call: to stand for a container that
 * runs already, or to undo what was begun and say so. What is still being made ends with this process, which is its maker.
 */
export const brokenCommand: Command = ownCommand("_broken", async (state) => {
  let exitCode: number | undefined;
  await removeContainersOf(state, ownProcessMark(), async (id, orphan) => {
    exitCode = await standFor(state, id, orphan);
  });
  if (exitCode !== undefined) return exitCode;
  printError("Cannot finish this call: the daemon that served it has ended\nTry it again.");
  return 125;
});

/**
 * What a launcher executes beside it when its process in the foreground has ended and the daemon has gone: to remove the
 * container, unless the daemon has come to that itself.
 */
export const finishCommand: Command = ownCommand("_finish", async (state) => {
  await removeContainersOf(state, processMark(process.ppid));
  return 0;
});

function ownCommand(name: string, run: (stateDirectory: string) => Promise<number>): Command {
  return {
    name,
    usage: "WORD...",
    description: "Finishes or undoes a call that a daemon has left. The launcher executes it.",
    examples: [],
    table: { flags: [] },
    failureExitCode: 125,
    async run() {
      const { uid, env } = readMachineView();
      return await run(stateDirectory(uid, env));
    },
  };
}

/** Stays with a container that has been started until its end, with signals and its terminal; undefined for another one. */
async function standFor(
  state: string,
  id: string,
  { runtime: name, terminal = false, interactive = false }: Orphan,
): Promise<number | undefined> {
  using proxy = new SignalProxy({ except: terminal ? ["SIGWINCH"] : [] });
  await using stack = new AsyncDisposableStack();
  const { runtime } = stack.use(await openRuntime(parseRuntime(name), state, "ignore"));
  const status = await runtime.state(id).then(
    (found) => found.status,
    () => "creating",
  );
  if (status !== "running" && status !== "paused" && status !== "stopped") return undefined;
  if (terminal && interactive && status !== "stopped") {
    const { RawTerminal } = await import("../run/raw-terminal.ts");
    stack.use(await RawTerminal.take());
  }
  const quietly = (work: Promise<void>): void => void work.catch(() => {});
  proxy.deliverTo((signal) => quietly(runtime.signal(id, signal)));
  if (terminal) stack.use(watchWindowSize(undefined, (size) => quietly(runtime.resize(id, size))));
  // Where nobody has written down how it ended, it never ran.
  return await runtime.wait(id).then(
    ({ exitCode }) => exitCode,
    () => undefined,
  );
}
