import { OrlopError } from "@orlop/core";
import type { Engine } from "@orlop/engine";
import type { Command } from "../command.ts";
import { printError } from "../print.ts";
import { parseSeconds, parseSignal } from "../run/life-options.ts";
import { type ContainerCall, containerCommand, withEach } from "./container-verb.ts";

const STOP_FLAGS = [
  { name: "signal", short: "s", value: "SIGNAL", help: "What asks it to end, instead of its own stop signal" },
  {
    name: "timeout",
    short: "t",
    aliases: ["time"],
    value: "SECONDS",
    help: "So long it may take before it is killed (what it was made with, or 10); -1 for no limit",
  },
] as const;

export const stopCommand: Command = containerCommand(
  {
    name: "stop",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description: "Ends containers: with the signal that each stops by, and by force when that takes too long.",
    examples: [["orlop stop -t 30 db", "half a minute for putting things in order"]],
    table: { flags: STOP_FLAGS, flagsAnywhere: true },
  },
  async (call) => await withEach(call.flags.positional, async (text) => void (await stop(call, text))),
);

export const restartCommand: Command = containerCommand(
  {
    name: "restart",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description: "Stops containers, as orlop stop does, and starts them again. Those that do not run are started.",
    examples: [["orlop restart web", "once more"]],
    table: { flags: STOP_FLAGS, flagsAnywhere: true },
  },
  async (call) =>
    await withEach(call.flags.positional, async (text) => {
      await stop(call, text);
      await call.engine.start(text);
      return undefined;
    }),
);

export const killCommand: Command = containerCommand(
  {
    name: "kill",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description: "Sends a signal to the first process of containers: SIGKILL, which ends them, or another.",
    examples: [["orlop kill -s HUP web", "many servers read their configuration again then"]],
    table: {
      flags: [{ name: "signal", short: "s", value: "SIGNAL", help: "Name or number (KILL)" }],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const signal = flags.parse("signal", parseSignal) ?? parseSignal("KILL");
    return await withEach(flags.positional, async (text) => void (await engine.signal(text, signal)));
  },
);

export const removeCommand: Command = containerCommand(
  {
    name: "rm",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description: "Removes containers that do not run, with all that they have written and their logs.",
    examples: [["orlop rm -f web", "ends it first"]],
    table: {
      flags: [
        { name: "force", short: "f", help: "Kill those that run; what is not there need not be removed" },
        { name: "depend", help: "Remove those first that require it" },
        { name: "volumes", short: "v", help: "Volumes that were made for them alone, without a name, go too" },
      ],
      refused: [{ name: "link", short: "l", isSwitch: true, reason: "there are no links" }],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const force = flags.isOn("force");
    const names = force ? await namesOfThere(engine, flags.positional) : flags.positional;
    if (names.length === 0 && flags.positional.length > 0) return 0;
    return await withEach(names, async (text) => {
      await engine.remove(text, { force, volumes: flags.isOn("volumes"), dependents: flags.isOn("depend") });
      return undefined;
    });
  },
);

/** Of the others it is said that they are not there. */
async function namesOfThere(engine: Engine, names: readonly string[]): Promise<readonly string[]> {
  const there: string[] = [];
  for (const name of names) {
    try {
      await engine.find(name);
      there.push(name);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
      printError(error.message);
    }
  }
  return there;
}

async function stop({ engine, flags }: ContainerCall, text: string): Promise<void> {
  const signal = flags.parse("signal", parseSignal);
  const timeoutMs = flags.parse("timeout", parseSeconds);
  await engine.stop(text, {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}
