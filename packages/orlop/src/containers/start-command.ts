import { OrlopError } from "@orlop/core";
import { type Engine, isActive } from "@orlop/engine";
import { leaveToCalled } from "../caller/not-here.ts";
import { checkpointName } from "../checkpoint/checkpoint-name.ts";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { parseDetachKeys } from "../run/detach-keys.ts";
import { refuseOtherInput } from "./attached-session.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";
import { inStartOrder } from "./container-order.ts";
import { type ContainerCall, containerCommand, withEach } from "./container-verb.ts";
import { LATEST, namedOrLatest, soleContainer } from "./latest-container.ts";
import { runAttached } from "./run-kept.ts";

export const startCommand: Command = containerCommand(
  {
    name: "start",
    startsProcesses: true,
    usage: "[OPTIONS] [CONTAINER...]",
    description:
      "Runs containers that do not run: such as were made by orlop create, and such as have ended. One that runs already is " +
      "left as it is.\n\nWith --attach or --interactive it stays with the one container, and its exit code is the container's.",
    examples: [
      ["orlop start web db", "two of them, in the background"],
      ["orlop start --all --filter should-start-on-boot=true", "after a start of the machine"],
      ["orlop start -ai box", "one, with this terminal"],
    ],
    table: {
      flags: [
        { name: "all", help: "All that do not run, and that the filters suit" },
        {
          name: "filter",
          short: "f",
          value: "NAME=VALUE",
          help: "With --all, only those of a restart-policy=, should-start-on-boot=true, label=, name=, ... as orlop ps has it",
        },
        { name: "attach", short: "a", help: "Show its output, and pass signals on to it" },
        { name: "interactive", short: "i", help: "Pass standard input on to it" },
        { name: "detach-keys", value: "KEYS", help: "What is typed to leave it running: ctrl-p,ctrl-q" },
        { name: "checkpoint", value: "NAME", help: "Go on from this checkpoint of it, which stays" },
        { name: "checkpoint-dir", value: "DIR", help: "Where that is, instead of with the container" },
        LATEST,
        { name: "sig-proxy", help: "With --attach, pass signals on (on unless =false)" },
      ],
      flagsAnywhere: true,
    },
  },
  start,
);

async function startEach(engine: Engine, names: readonly string[] | undefined): Promise<number> {
  const start = await inStartOrder(engine, names ?? [], (name) => engine.start(name));
  return await withEach(names, async (name) => void (await start(name)));
}

/** Those that run already are left out. */
async function startAll({ engine, flags }: ContainerCall): Promise<number> {
  if (flags.positional.length > 0 || flags.isOn("latest"))
    throw new OrlopError("invalid", "either start all containers or those that are named");
  if (flags.isOn("attach") || flags.isOn("interactive")) throw new OrlopError("invalid", "--all attaches to none");
  const filters = parseContainerFilters(flags.list("filter"));
  const idle = filterContainers(await engine.list(), filters).filter(({ state }) => !isActive(state.status));
  if (idle.length === 0) return 0;
  const names = idle.map(({ name }) => name);
  return await startEach(engine, names);
}

async function startFromCheckpoint({ engine, flags }: ContainerCall): Promise<number> {
  if (flags.isOn("attach") || flags.isOn("interactive")) {
    throw new OrlopError(
      "unsupported",
      "Cannot attach to a container that goes on from a checkpoint: attach to it afterwards",
    );
  }
  const { id } = await soleContainer({ engine, flags });
  await engine.restore(id, { ...checkpointName(flags, flags.text("checkpoint")), keep: true });
  printText(`${flags.positional[0] ?? id}\n`);
  return 0;
}

async function start(call: ContainerCall): Promise<number> {
  const { engine, flags } = call;
  if (flags.isOn("all")) return await startAll(call);
  if (flags.has("checkpoint") || flags.has("checkpoint-dir")) return await startFromCheckpoint(call);
  if (flags.has("filter")) throw new OrlopError("invalid", "--filter is for --all");
  if (!flags.isOn("attach") && !flags.isOn("interactive")) {
    return await startEach(engine, await namedOrLatest(call));
  }
  leaveToCalled("who stays with a container has its streams and signals");
  if (flags.positional.length > 1)
    throw new OrlopError("invalid", "you cannot start and attach multiple containers at once");
  const container = await soleContainer(call);
  const interactive = flags.isOn("interactive") && container.interactive;
  refuseOtherInput({ interactive, tty: container.terminal });
  return await runAttached(call, container, {
    interactive,
    tty: container.terminal,
    signalProxy: !flags.has("sig-proxy") || flags.isOn("sig-proxy"),
    detachKeys: parseDetachKeys(flags.text("detach-keys")),
  });
}
