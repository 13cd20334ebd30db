import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { parseRestartPolicy } from "../run/life-options.ts";
import { readResourceLimits } from "../run/resource-limits.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { type ContainerCall, containerCommand, withEach } from "./container-verb.ts";

/** Of `run`, those that can change. */
const NAMES: ReadonlySet<string> = new Set([
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "pids-limit",
  "restart",
]);
const REFUSED: ReadonlySet<string> = new Set(["blkio-weight", "cpu-rt-period", "cpu-rt-runtime", "kernel-memory"]);
const FLAGS = RUN_FLAGS.flags.filter(({ name }) => NAMES.has(name));

export const updateCommand: Command = containerCommand(
  {
    name: "update",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Changes limits of containers, at once where they run and for every later run, and when they are started again.",
    examples: [["orlop update -m 512m --memory-swap 1g web", "more memory, without a restart"]],
    table: {
      flags: FLAGS,
      refused: (RUN_FLAGS.refused ?? []).filter(({ name }) => REFUSED.has(name)),
      flagsAnywhere: true,
    },
  },
  async (call) => {
    if (!FLAGS.some(({ name }) => call.flags.has(name))) {
      throw new OrlopError("invalid", "you must provide one or more flags when using this command");
    }
    return await withEach(call.flags.positional, async (text) => void (await update(call, text)));
  },
);

async function update({ engine, flags, machine }: ContainerCall, text: string): Promise<void> {
  const restart = flags.parse("restart", parseRestartPolicy);
  const container = await engine.find(text);
  const resources = readResourceLimits(flags, machine.cpuCount, engine.spec(container)?.linux?.resources ?? {});
  await engine.update(container.id, {
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(restart === undefined ? {} : { restart }),
  });
}
