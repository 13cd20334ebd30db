import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import type { Flag } from "../flags/flag.ts";
import { printText } from "../print.ts";
import { parseSeconds, parseSignal } from "../run/life-options.ts";
import { endedPods } from "./ended-pods.ts";
import { ALL, LATEST, POD_ID_FILE, podNames, withEachPod } from "./pod-verb.ts";

const TIME: Flag = {
  name: "time",
  short: "t",
  aliases: ["timeout"],
  value: "SECONDS",
  help: "So long each container may take before it is killed (what it was made with, or 10)",
};
const IGNORE: Flag = { name: "ignore", short: "i", help: "A pod that is not there is no error" };

export const podStartCommand: Command = {
  ...podCommand(
    "start",
    "Runs the containers of pods that do not run. Those that only prepare for the others come first, each to its end.",
    [],
    async (call) => await withEachPod(await podNames(call), (name) => call.engine.pods.start(name)),
  ),
  startsProcesses: true,
};

export const podStopCommand: Command = podCommand(
  "stop",
  "Ends all containers of pods, and what they share.",
  [TIME, IGNORE],
  async (call) => {
    const names = await present(call);
    return await withEachPod(names, (name) => call.engine.pods.stop(name, timeOf(call)));
  },
);

export const podRestartCommand: Command = {
  ...podCommand(
    "restart",
    "Stops pods, and starts them again with all of their containers. What they share is made anew.",
    [TIME],
    async (call) =>
      await withEachPod(await podNames(call), async (name) => {
        const { id } = await call.engine.pods.stop(name, timeOf(call));
        return await call.engine.pods.start(id);
      }),
  ),
  startsProcesses: true,
};

export const podKillCommand: Command = podCommand(
  "kill",
  "Sends a signal to the first process of each container of pods: SIGKILL, which ends it, or another.",
  [{ name: "signal", short: "s", value: "SIGNAL", help: "Name or number (KILL)" }],
  async (call) => {
    const signal = call.flags.parse("signal", parseSignal) ?? parseSignal("KILL");
    return await withEachPod(await podNames(call), (name) => call.engine.pods.signal(name, signal));
  },
);

export const podPauseCommand: Command = podCommand(
  "pause",
  "Has the containers of pods stand still.",
  [],
  async (call) => await withEachPod(await podNames(call), (name) => call.engine.pods.pause(name)),
);

export const podUnpauseCommand: Command = podCommand(
  "unpause",
  "Has the containers of pods go on.",
  [],
  async (call) => await withEachPod(await podNames(call), (name) => call.engine.pods.resume(name)),
);

export const podRemoveCommand: Command = podCommand(
  "rm",
  "Removes pods with their containers, and all that those have written.",
  [{ name: "force", short: "f", help: "End containers that run first" }, IGNORE, TIME],
  async (call) => {
    const timeoutMs = call.flags.parse("time", parseSeconds);
    const options = { force: call.flags.isOn("force"), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return await withEachPod(await present(call), (name) => call.engine.pods.remove(name, options));
  },
);

export const podExistsCommand: Command = {
  ...containerCommand(
    {
      name: "exists",
      usage: "POD",
      description: "Ends with exit code 0 when there is such a pod, and with 1 otherwise.",
      examples: [["orlop pod exists web || orlop pod create web", "made once"]],
      table: { flags: [], flagsAnywhere: true },
    },
    async ({ engine, flags }) => {
      const [name, ...others] = flags.positional;
      if (name === undefined || others.length > 0) throw new OrlopError("invalid", "one pod is taken");
      return engine.pods.exists(name) ? 0 : 1;
    },
  ),
  failureExitCode: 125,
};

export const podPruneCommand: Command = containerCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description: "Removes all pods that have ended, with their containers, and prints their ids.",
    examples: [["orlop pod prune -f", "without being asked"]],
    table: { flags: [{ name: "force", short: "f", help: "Do not ask" }], flagsAnywhere: true },
  },
  async ({ engine, flags }) => {
    const { isConfirmed } = await import("../gc/is-confirmed.ts");
    const asked = { print: printText, input: caller().stdin };
    if (!flags.isOn("force") && !(await isConfirmed(asked, "This will remove all stopped/exited pods."))) return 0;
    return await withEachPod(await endedPods(engine.pods), (id) => engine.pods.remove(id));
  },
);

function podCommand(
  name: string,
  description: string,
  flags: readonly Flag[],
  verb: (call: ContainerCall) => Promise<number>,
): Command {
  return containerCommand(
    {
      name,
      usage: "[OPTIONS] POD [POD...]",
      description: `${description} Prints the ids of the pods.`,
      examples: [[`orlop pod ${name} web`, "with all of its containers"]],
      table: { flags: [ALL, LATEST, POD_ID_FILE, ...flags], flagsAnywhere: true },
    },
    verb,
  );
}

/** Those named, without such as need not be there. */
async function present(call: ContainerCall): Promise<readonly string[]> {
  const names = await podNames(call);
  return call.flags.isOn("ignore") ? names.filter((name) => call.engine.pods.exists(name)) : names;
}

function timeOf({ flags }: ContainerCall): { readonly timeoutMs?: number } {
  const timeoutMs = flags.parse("time", parseSeconds);
  return timeoutMs === undefined ? {} : { timeoutMs };
}
