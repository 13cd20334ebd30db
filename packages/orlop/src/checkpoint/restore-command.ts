import { type Container, isActive, PLAIN_CHECKPOINT } from "@orlop/engine";
import type { Command } from "../command.ts";
import { CHOICE_FLAGS, chosenContainers } from "../containers/chosen-containers.ts";
import { containerCommand, withEach } from "../containers/container-verb.ts";
import { CRIU_FLAGS, criuChoices } from "./criu-flags.ts";

const ELSEWHERE = "a checkpoint stays on this machine, with its container";

export const containerRestoreCommand: Command = containerCommand(
  {
    name: "restore",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Has containers go on where orlop container checkpoint has left off: the same processes, with their memory and open " +
      "files, on the same networks with the same addresses. The checkpoint is removed then.",
    examples: [
      ["orlop container restore db", "after a checkpoint, and after a start of the machine as well"],
      ["orlop container restore --keep db", "and later from the same moment again"],
    ],
    table: {
      flags: [
        ...CHOICE_FLAGS,
        { name: "keep", short: "k", help: "The checkpoint stays" },
        { name: "ignore-static-ip", help: "Take whatever addresses there are" },
        { name: "ignore-static-mac", help: "Take whatever hardware addresses there are" },
        ...CRIU_FLAGS,
      ],
      refused: [
        { name: "latest", short: "l", isSwitch: true, reason: "name the container" },
        { name: "import", short: "i", reason: ELSEWHERE },
        { name: "import-previous", reason: ELSEWHERE },
        {
          name: "name",
          short: "n",
          reason: "a container that is restored is the one it was; orlop rename names it anew",
        },
        { name: "publish", short: "p", reason: "it has its ports; orlop update changes them afterwards" },
        { name: "pod", reason: "a container that is restored is in the pod that it was in" },
        { name: "ignore-rootfs", isSwitch: true, reason: ELSEWHERE },
        { name: "ignore-volumes", isSwitch: true, reason: ELSEWHERE },
        {
          name: "tcp-close",
          isSwitch: true,
          reason: "connections are kept by --tcp-established, or fail the checkpoint",
        },
        { name: "print-stats", isSwitch: true, reason: "criu's statistics are not read" },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, flags } = call;
    const options = {
      ...criuChoices(flags),
      keep: flags.isOn("keep"),
      newAddresses: flags.isOn("ignore-static-ip"),
      newHardwareAddresses: flags.isOn("ignore-static-mac"),
    };
    const hasOne = async ({ name, state }: Container): Promise<boolean> =>
      !isActive(state.status) && (await engine.checkpoints(name)).includes(PLAIN_CHECKPOINT);
    const names = await chosenContainers(call, hasOne);
    return await withEach(names, async (text) => void (await engine.restore(text, options)));
  },
);
