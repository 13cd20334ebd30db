import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import type { Flag } from "../flags/flag.ts";
import { printWarning } from "../print.ts";
import { readBlockLimits } from "../run/block-limits.ts";
import { readEgress } from "../run/egress-flag.ts";
import { kernelLimits } from "../run/kernel-limits.ts";
import { parseRestartPolicy } from "../run/life-options.ts";
import { parsePublishedPort } from "../run/port-flag.ts";
import { readResourceLimits } from "../run/resource-limits.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { type ContainerCall, containerCommand, withEach } from "./container-verb.ts";

/** Of `run`, those that can change. */
const NAMES: ReadonlySet<string> = new Set([
  "blkio-weight",
  "blkio-weight-device",
  "cpu-period",
  "cpu-quota",
  "cpu-rt-period",
  "cpu-rt-runtime",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "device-read-bps",
  "device-read-iops",
  "device-write-bps",
  "device-write-iops",
  "egress",
  "kernel-memory",
  "memory",
  "memory-reservation",
  "memory-swap",
  "memory-swappiness",
  "pids-limit",
  "restart",
]);
const PORT = "[ADDRESS:][PORT:]PORT[/PROTOCOL]";
const FLAGS: readonly Flag[] = [
  ...RUN_FLAGS.flags.filter(({ name }) => NAMES.has(name)),
  { name: "publish-add", value: PORT, help: "Publish one more port, as --publish of run does" },
  { name: "publish-rm", value: PORT, help: "Publish a port no more" },
];

export const updateCommand: Command = containerCommand(
  {
    name: "update",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Changes limits, published ports and what may be talked to of containers, at once where they run and for every later " +
      "run, and when they are started again.",
    examples: [
      ["orlop update -m 512m --memory-swap 1g web", "more memory, without a restart"],
      ["orlop update --publish-add 8080:80 web", "a port more, while it runs"],
      ["orlop update --egress registry.example:443 web", "nothing else may be talked to from now on"],
    ],
    table: {
      flags: FLAGS,
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
  const known = engine.spec(container)?.linux?.resources ?? {};
  // Flags of run that are not of update are not given.
  const all = flags.asFor(RUN_FLAGS.flags);
  const { limits: resources, warnings } = kernelLimits(readResourceLimits(all, machine, known));
  for (const warning of warnings) printWarning(warning);
  const { paths } = readBlockLimits(all);
  const egress = readEgress(flags);
  const publish = flags.parseAll("publish-add", parsePublishedPort);
  const unpublish = flags.parseAll("publish-rm", parsePublishedPort);
  await engine.update(container.id, {
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(Object.keys(paths).length === 0 ? {} : { blockDevices: paths }),
    ...(restart === undefined ? {} : { restart }),
    ...(egress === undefined ? {} : { egress }),
    publish,
    unpublish,
  });
}
