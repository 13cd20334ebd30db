import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { openEngine } from "../containers/open-engine.ts";
import { printText } from "../print.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { checkFiles } from "./check-files.ts";
import { checkLayers } from "./check-layers.ts";
import { keepUnknown } from "./keep-unknown.ts";
import { repairStore } from "./repair-store.ts";

export const systemCheckCommand: Command = {
  name: "check",
  usage: "[OPTIONS]",
  description:
    "Checks the database, and whether what it knows of is there: blobs by their digests, layers that images have become, " +
    "snapshots, and what containers keep. Layers of the snapshotter erofs are files with a digest, that of fs-verity, which " +
    "the first check notes; others are not read. With --repair a database that is damaged or gone is made again of its " +
    "copy, or of what can be read of it, and kept beside the new one; what runs goes on meanwhile.",
  examples: [
    ["orlop system check", "the first time, each layer's digest is noted"],
    ["orlop system check --repair", "makes a damaged database again"],
  ],
  table: {
    flags: [
      { name: "quick", short: "q", help: "Read neither blobs nor layers" },
      { name: "repair", short: "r", help: "Make a damaged database again; keep what was there under another name" },
    ],
    refused: [
      {
        name: "force",
        short: "f",
        isSwitch: true,
        reason: "no container is removed by a check; orlop rm removes those that it names",
      },
      { name: "max-age", short: "m", reason: "what nothing refers to is removed by orlop system prune" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop system check" takes no arguments');
    const quick = flags.isOn("quick");
    const root = ownDataDirectory();
    const isLossy = repairStore(join(root, "metadata.db"), { quick, repair: flags.isOn("repair"), print: printText });
    await using open = openEngine();
    using cancelled = new CancelOnSignals();
    for (const kept of isLossy ? await keepUnknown(open) : []) printText(`${kept}\n`);
    const problems = await checkFiles(open, { quick, signal: cancelled.signal });
    for (const problem of problems) printText(`${problem}\n`);
    if (!quick) await checkLayers(open.depot, printText, cancelled.signal);
    if (problems.length === 0) return 0;
    throw new OrlopError("failed", `Cannot use all of "${root}": ${problems.length} things are not there or damaged`);
  },
};
