import type { Command } from "../command.ts";
import { CHOICE_FLAGS, chosenContainers } from "../containers/chosen-containers.ts";
import { containerCommand, withEach } from "../containers/container-verb.ts";
import { CRIU_FLAGS, criuChoices } from "./criu-flags.ts";

const ELSEWHERE = "a checkpoint stays on this machine, with its container";

export const containerCheckpointCommand: Command = containerCommand(
  {
    name: "checkpoint",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Saves the processes of containers that run, through criu, which has to be installed, and ends them. orlop container restore " +
      "has them go on from there; their files, names and addresses are kept. A checkpoint goes with its container.",
    examples: [
      ["orlop container checkpoint db", "it has ended, and has not noticed"],
      ["orlop container checkpoint --leave-running db", "it goes on"],
    ],
    table: {
      flags: [
        ...CHOICE_FLAGS,
        { name: "leave-running", short: "R", help: "Let them go on" },
        { name: "keep", short: "k", help: "Keep criu's logs, which are kept in any case" },
        ...CRIU_FLAGS,
      ],
      refused: [
        { name: "latest", short: "l", isSwitch: true, reason: "name the container" },
        { name: "export", short: "e", reason: ELSEWHERE },
        { name: "compress", short: "c", reason: ELSEWHERE },
        { name: "create-image", reason: ELSEWHERE },
        { name: "ignore-rootfs", isSwitch: true, reason: ELSEWHERE },
        { name: "ignore-volumes", isSwitch: true, reason: ELSEWHERE },
        { name: "pre-checkpoint", short: "P", isSwitch: true, reason: "all of the memory is written at once" },
        { name: "with-previous", isSwitch: true, reason: "all of the memory is written at once" },
        { name: "print-stats", isSwitch: true, reason: "criu's statistics are not read" },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, flags } = call;
    const options = { ...criuChoices(flags), leaveRunning: flags.isOn("leave-running"), replace: true };
    const names = await chosenContainers(call, ({ state }) => state.status === "running");
    return await withEach(names, async (text) => void (await engine.checkpoint(text, options)));
  },
);
