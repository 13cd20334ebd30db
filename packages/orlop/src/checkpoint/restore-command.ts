import { resolve } from "node:path";
import { OrlopError, parseName } from "@orlop/core";
import { type Container, isActive, PLAIN_CHECKPOINT } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { CHOICE_FLAGS, chosenContainers } from "../containers/chosen-containers.ts";
import { inStartOrder } from "../containers/container-order.ts";
import { type ContainerCall, containerCommand, withEach } from "../containers/container-verb.ts";
import { printText } from "../print.ts";
import { CRIU_FLAGS, criuChoices } from "./criu-flags.ts";
import { importCheckpoint } from "./import-checkpoint.ts";

export const containerRestoreCommand: Command = containerCommand(
  {
    name: "restore",
    startsProcesses: true,
    usage: "[OPTIONS] CONTAINER [CONTAINER...]\n       orlop container restore [OPTIONS] --import FILE",
    description:
      "Has containers go on where orlop container checkpoint has left off: the same processes, with their memory and open " +
      "files, on the same networks with the same addresses. The checkpoint is removed then.\n\n" +
      "An archive of orlop container checkpoint --export says how its container is made and what runs in it, as root if it did: " +
      "restore only those that you trust.",
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
        { name: "import", short: "i", value: "FILE", help: "Make the container of an archive anew" },
        { name: "name", short: "n", value: "NAME", help: "With --import, another name than it had" },
        { name: "ignore-rootfs", help: "With --import, begin with the files of the image alone" },
        { name: "ignore-volumes", help: "With --import, take volumes as they are" },
        ...CRIU_FLAGS,
      ],
      refused: [
        { name: "latest", short: "l", isSwitch: true, reason: "name the container" },
        { name: "import-previous", reason: "all of the memory is written at once" },
        { name: "publish", short: "p", reason: "it has its ports; orlop update changes them afterwards" },
        { name: "pod", reason: "a container that is restored is in the pod that it was in" },
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
    if (flags.has("import")) return await restoreImported(call, options);
    const needless = ["name", "ignore-rootfs", "ignore-volumes"].find((name) => flags.has(name));
    if (needless !== undefined) throw new OrlopError("invalid", `--${needless} can only be used with --import`);
    const hasOne = async ({ name, state }: Container): Promise<boolean> =>
      !isActive(state.status) && (await engine.checkpoints(name)).includes(PLAIN_CHECKPOINT);
    const names = await chosenContainers(call, hasOne);
    const restore = await inStartOrder(engine, names ?? [], (name) => engine.restore(name, options));
    return await withEach(names, async (name) => void (await restore(name)));
  },
);

async function restoreImported(
  call: ContainerCall,
  choices: ReturnType<typeof criuChoices> & { readonly newAddresses: boolean; readonly newHardwareAddresses: boolean },
): Promise<number> {
  const { engine, flags } = call;
  if (flags.positional.length > 0 || flags.isOn("all")) {
    throw new OrlopError("invalid", "--import restores the container of the archive, and takes no others");
  }
  const options = {
    file: resolve(caller().path(flags.text("import") ?? "")),
    name: flags.parse("name", parseName),
    ignoreRootfs: flags.isOn("ignore-rootfs"),
    ignoreVolumes: flags.isOn("ignore-volumes"),
  };
  const { id } = await importCheckpoint(call, options, async (container, directory) => {
    await engine.restore(container.id, { ...choices, directory, keep: true });
  });
  printText(`${id}\n`);
  return 0;
}
