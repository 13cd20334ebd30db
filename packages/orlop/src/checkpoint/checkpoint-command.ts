import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { CHOICE_FLAGS, chosenContainers } from "../containers/chosen-containers.ts";
import { containerCommand, oneContainer, withEach } from "../containers/container-verb.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printText } from "../print.ts";
import { CRIU_FLAGS, criuChoices } from "./criu-flags.ts";
import { type ExportCompression, type ExportOptions, exportCheckpoint, refuseUnportable } from "./export-checkpoint.ts";

export const containerCheckpointCommand: Command = containerCommand(
  {
    name: "checkpoint",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Saves the processes of containers that run, through criu, which has to be installed, and ends them. orlop container restore " +
      "has them go on from there; their files, names and addresses are kept. A checkpoint goes with its container, " +
      "unless it is exported to an archive, from which orlop container restore --import makes the container anew, here or elsewhere.",
    examples: [
      ["orlop container checkpoint db", "it has ended, and has not noticed"],
      ["orlop container checkpoint --leave-running db", "it goes on"],
      ["orlop container checkpoint --export db.tar.zst db", "to be restored on another machine"],
    ],
    table: {
      flags: [
        ...CHOICE_FLAGS,
        { name: "leave-running", short: "R", help: "Let them go on" },
        { name: "keep", short: "k", help: "Keep criu's logs, which are kept in any case" },
        {
          name: "export",
          short: "e",
          value: "FILE",
          help: "Write it to an archive, with what the one container has written",
        },
        { name: "compress", short: "c", value: "gzip|none|zstd", help: "How the archive is compressed (zstd)" },
        { name: "ignore-rootfs", help: "Leave out of the archive what was written to the root file system" },
        { name: "ignore-volumes", help: "Leave out of the archive what is in volumes" },
        ...CRIU_FLAGS,
      ],
      refused: [
        { name: "latest", short: "l", isSwitch: true, reason: "name the container" },
        { name: "create-image", reason: "a checkpoint is exported to an archive" },
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
    const exported = readExport(flags);
    if (exported !== undefined) {
      const container = await engine.find(oneContainer(flags));
      refuseUnportable(container);
      const ended = await engine.checkpoint(container.id, options);
      await exportCheckpoint(call, ended, exported);
      await engine.removeCheckpoint(container.id, {});
      printText(`${oneContainer(flags)}\n`);
      return 0;
    }
    const names = await chosenContainers(call, ({ state }) => state.status === "running");
    return await withEach(names, async (text) => void (await engine.checkpoint(text, options)));
  },
);

/** @throws OrlopError `invalid` for what only an archive can have */
function readExport(flags: ParsedFlags): ExportOptions | undefined {
  const file = flags.text("export");
  if (file !== undefined) {
    return {
      file: resolve(caller().path(file)),
      compression: flags.parse("compress", parseCompression) ?? "zstd",
      ignoreRootfs: flags.isOn("ignore-rootfs"),
      ignoreVolumes: flags.isOn("ignore-volumes"),
    };
  }
  const needless = ["compress", "ignore-rootfs", "ignore-volumes"].find((name) => flags.has(name));
  if (needless === undefined) return undefined;
  throw new OrlopError("invalid", `--${needless} can only be used with --export`);
}

function parseCompression(text: string): ExportCompression {
  if (text === "gzip" || text === "none" || text === "zstd") return text;
  throw new OrlopError("invalid", "it is gzip, none or zstd");
}
