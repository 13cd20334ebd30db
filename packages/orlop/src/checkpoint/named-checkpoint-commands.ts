import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { containerCommand, oneContainer } from "../containers/container-verb.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printText } from "../print.ts";
import { checkpointName } from "./checkpoint-name.ts";

const DIRECTORY_FLAG = {
  name: "checkpoint-dir",
  value: "DIR",
  help: "Where checkpoints are, instead of with the container",
} as const;

export const checkpointCreateCommand: Command = containerCommand(
  {
    name: "create",
    usage: "[OPTIONS] CONTAINER CHECKPOINT",
    description:
      "Saves the processes of a container that runs under a name, through criu, and ends it. orlop start --checkpoint NAME has it go " +
      "on from there.",
    examples: [["orlop checkpoint create --leave-running db monday", "it goes on"]],
    table: {
      flags: [DIRECTORY_FLAG, { name: "leave-running", help: "Let it go on" }],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const [container, name] = containerAndCheckpoint(flags);
    await engine.checkpoint(container, { ...checkpointName(flags, name), leaveRunning: flags.isOn("leave-running") });
    printText(`${name}\n`);
    return 0;
  },
);

export const checkpointListCommand: Command = containerCommand(
  {
    name: "ls",
    usage: "[OPTIONS] CONTAINER",
    description: "Lists the checkpoints of a container by their names.",
    examples: [["orlop checkpoint ls db", "those that it can go on from"]],
    table: { flags: [DIRECTORY_FLAG], flagsAnywhere: true },
  },
  async ({ engine, flags }) => {
    const names = await engine.checkpoints(oneContainer(flags), checkpointName(flags, undefined).directory);
    printText(["CHECKPOINT NAME", ...names].map((line) => `${line}\n`).join(""));
    return 0;
  },
);

export const checkpointRemoveCommand: Command = containerCommand(
  {
    name: "rm",
    usage: "[OPTIONS] CONTAINER CHECKPOINT",
    description: "Removes a checkpoint of a container.",
    examples: [["orlop checkpoint rm db monday", "the container stays as it is"]],
    table: { flags: [DIRECTORY_FLAG], flagsAnywhere: true },
  },
  async ({ engine, flags }) => {
    const [container, name] = containerAndCheckpoint(flags);
    await engine.removeCheckpoint(container, checkpointName(flags, name));
    return 0;
  },
);

function containerAndCheckpoint({ positional }: ParsedFlags): readonly [container: string, checkpoint: string] {
  const [container, name, ...others] = positional;
  if (container !== undefined && name !== undefined && others.length === 0) return [container, name];
  throw new OrlopError(
    "invalid",
    `a container and a name of a checkpoint are taken, and there are ${positional.length}`,
  );
}
