import type { Command } from "../command.ts";
import { containerCommand } from "../containers/container-verb.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { STATS_PACE_FLAGS, showStats } from "../stats/stats-command.ts";
import { LATEST, namedOrLatestPods } from "./pod-verb.ts";

export const podStatsCommand: Command = containerCommand(
  {
    name: "stats",
    usage: "[OPTIONS] [POD...]",
    description:
      "Shows what the containers of pods take of the machine, anew each second until it is interrupted: of the pods named, or of " +
      "all that run.",
    examples: [["orlop pod stats --no-stream web", "once"]],
    table: {
      flags: [
        { name: "all", short: "a", help: "Containers that do not run as well" },
        { name: "no-stream", help: "Once" },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "no-trunc", help: "Ids in full" },
        ...STATS_PACE_FLAGS,
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine } = call;
    const names = await namedOrLatestPods(call);
    return await showStats(call, async () => {
      const pods =
        names.length === 0 ? await engine.pods.list() : await Promise.all(names.map((name) => engine.pods.find(name)));
      return pods.flatMap(({ members }) => members);
    });
  },
);
