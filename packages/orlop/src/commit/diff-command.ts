import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { LATEST, soleContainer } from "../containers/latest-container.ts";
import { openEngine } from "../containers/open-engine.ts";
import { printText } from "../print.ts";
import { Depot } from "../store/open-depot.ts";
import { changesText } from "./changes-text.ts";
import { writtenSnapshot } from "./written-snapshot.ts";

export const diffCommand: Command = {
  name: "diff",
  usage: "[OPTIONS] CONTAINER",
  description:
    "Lists what a container has written to its root file system, sorted by path: A for what it has added, C for what " +
    "it has changed, also directories with changes in them, and D for what it has deleted.\n\n" +
    "CONTAINER is a name or the beginning of an id. What lies in volumes and other mounts is not told of.",
  examples: [["orlop diff box", "what box has written so far"]],
  table: {
    flags: [{ name: "format", value: "text|json", help: "How to print it (text); json as podman has it" }, LATEST],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const format = flags.text("format") ?? "text";
    if (format !== "text" && format !== "json") {
      throw new OrlopError("invalid", `Cannot use format "${format}": there are text and json`);
    }
    await using open = openEngine();
    const container = await soleContainer({ engine: open.engine, flags });
    const { store, snapshotter, key } = writtenSnapshot("compare", container.name, container);
    await using depot = new Depot(store);
    using changes = await depot.changes(snapshotter, key, container);
    const list = await changes.list();
    printText(
      changesText(
        list.map(({ kind, path }) => ({ kind, path: `/${path}` })),
        format,
      ),
    );
    return 0;
  },
};
