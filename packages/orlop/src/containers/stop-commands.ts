import { OrlopError, unlessMissing } from "@orlop/core";
import { type Container, isActive } from "@orlop/engine";
import type { Command } from "../command.ts";
import { parseSeconds, parseSignal } from "../run/life-options.ts";
import {
  CHOICE_FLAGS,
  chosenContainers,
  containersThere,
  IGNORE,
  MARK_FLAGS,
  SHORT_CHOICE_FLAGS,
} from "./chosen-containers.ts";
import { inRemovalOrder, inStartOrder, withDependents } from "./container-order.ts";
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
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Ends containers: with the signal that each stops by, and by force when that takes too long.",
    examples: [
      ["orlop stop -t 30 db", "half a minute for putting things in order"],
      ["orlop stop -a", "all that run"],
    ],
    table: { flags: [...SHORT_CHOICE_FLAGS, IGNORE, ...STOP_FLAGS], flagsAnywhere: true },
  },
  async (call) => {
    // One that waits for its restart would run again otherwise.
    const runs = ({ state }: Container): boolean => isActive(state.status) || state.status === "restarting";
    const chosen = await chosenContainers(call, runs);
    const ignores = call.flags.isOn("ignore") && chosen !== undefined;
    const names = ignores ? await containersThere(call.engine, chosen, false) : chosen;
    if (ignores && names?.length === 0) return 0;
    return await withEach(names, async (text) => void (await call.engine.stop(text, stopOptions(call))));
  },
);

export const restartCommand: Command = containerCommand(
  {
    name: "restart",
    startsProcesses: true,
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Stops containers, as orlop stop does, and starts them again. Those that do not run are started.",
    examples: [["orlop restart web", "once more"]],
    table: {
      flags: [...SHORT_CHOICE_FLAGS, { name: "running", help: "All that run" }, ...STOP_FLAGS],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const names = await containersToRestart(call);
    const options = stopOptions(call);
    const restart = await inStartOrder(call.engine, names ?? [], (name) => call.engine.restart(name, options));
    return await withEach(names, async (name) => void (await restart(name)));
  },
);

export const killCommand: Command = containerCommand(
  {
    name: "kill",
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Sends a signal to the first process of containers: SIGKILL, which ends them, or another.",
    examples: [["orlop kill -s HUP web", "many servers read their configuration again then"]],
    table: {
      flags: [
        ...CHOICE_FLAGS,
        ...MARK_FLAGS,
        { name: "signal", short: "s", value: "SIGNAL", help: "Name or number (KILL)" },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const signal = call.flags.parse("signal", parseSignal) ?? parseSignal("KILL");
    const names = await chosenContainers(call, ({ state }) => isActive(state.status));
    return await withEach(names, async (text) => void (await call.engine.signal(text, signal)));
  },
);

export const removeCommand: Command = containerCommand(
  {
    name: "rm",
    usage: "[OPTIONS] [CONTAINER...]",
    description: "Removes containers that do not run, with all that they have written and their logs.",
    examples: [
      ["orlop rm -f web", "ends it first"],
      ["orlop rm --filter status=exited", "all that have ended"],
    ],
    table: {
      flags: [
        ...CHOICE_FLAGS,
        ...MARK_FLAGS,
        { name: "force", short: "f", help: "Kill those that run; what is not there need not be removed" },
        {
          name: "time",
          short: "t",
          aliases: ["timeout"],
          value: "SECONDS",
          help: "With --force, stop those that run first, as orlop stop does, and wait so long before they are killed (0)",
        },
        IGNORE,
        { name: "depend", help: "Remove those first that require it" },
        { name: "volumes", short: "v", help: "Volumes that were made for them alone, without a name, go too" },
      ],
      refused: [{ name: "link", isSwitch: true, reason: "there are no links" }],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, flags } = call;
    const force = flags.isOn("force");
    const timeoutMs = flags.parse("time", parseSeconds);
    if (timeoutMs !== undefined && !force) throw new OrlopError("invalid", "--time is for --force");
    const ignores = flags.isOn("ignore");
    const chosen = await chosenContainers(call, () => true);
    const names = (force || ignores) && chosen !== undefined ? await containersThere(engine, chosen, !ignores) : chosen;
    if (names?.length === 0 && (ignores || flags.positional.length > 0)) return 0;
    const options = { force, volumes: flags.isOn("volumes"), dependents: flags.isOn("depend") };
    const all = options.dependents && names !== undefined ? await withDependents(engine, names) : names;
    const remove = await inRemovalOrder(engine, all ?? [], async (name) => {
      if (timeoutMs === undefined) return await engine.remove(name, options);
      await engine.stop(name, { timeoutMs });
      // One that goes with its end may be gone.
      return await unlessMissing(engine.remove(name, options));
    });
    return await withEach(all, async (name) => void (await remove(name)));
  },
);

async function containersToRestart(call: ContainerCall): Promise<readonly string[] | undefined> {
  const { engine, flags } = call;
  if (!flags.isOn("running")) return await chosenContainers(call, () => true);
  const others = ["all", "latest", "filter", "cidfile"].some((name) => flags.has(name));
  if (flags.positional.length > 0 || others) {
    throw new OrlopError("invalid", "--running, --all and names exclude each other");
  }
  const running = (await engine.list()).filter(({ state }) => isActive(state.status));
  return running.length === 0 ? undefined : running.map(({ name }) => name);
}

function stopOptions({ flags }: ContainerCall): { readonly signal?: number; readonly timeoutMs?: number } {
  const signal = flags.parse("signal", parseSignal);
  const timeoutMs = flags.parse("timeout", parseSeconds);
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
