import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { OutputFormat } from "../format/output-format.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText, printWarning } from "../print.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";
import { CONTAINER_HEADINGS, containerRow } from "./container-rows.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";

const TABLE = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

export const psCommand: Command = containerCommand(
  {
    name: "ps",
    usage: "[OPTIONS]",
    description: "Lists containers that run, those made last first; with --all the others, too.",
    examples: [
      ["orlop ps -a --filter status=exited --format '{{.Names}}: {{.Status}}'", "how those that have ended did so"],
      ["orlop rm $(orlop ps -aq)", "all that do not run"],
    ],
    table: {
      flags: [
        { name: "all", short: "a", help: "Those that do not run as well" },
        {
          name: "filter",
          short: "f",
          value: "NAME=VALUE",
          help: "Only those of a status=, health=, name=, restart-policy=, id=, label=KEY[=VALUE], ancestor=IMAGE, network=, exited=CODE, before= or since=CONTAINER",
        },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "last", short: "n", value: "NUMBER", help: "So many of those made last, whether or not they run" },
        { name: "latest", short: "l", help: "The one made last, whether or not it runs" },
        { name: "no-trunc", help: "Ids and commands in full" },
        { name: "quiet", short: "q", help: "Only ids" },
      ],
      refused: [{ name: "size", short: "s", isSwitch: true, reason: "sizes of containers are not counted yet" }],
      flagsAnywhere: true,
    },
  },
  listContainers,
);

async function listContainers({ engine, flags, nowMs }: ContainerCall): Promise<number> {
  if (flags.positional.length > 0) {
    throw new OrlopError("invalid", `"orlop ps" takes no words, and got ${JSON.stringify(flags.positional[0])}`);
  }
  const last = flags.isOn("latest") ? 1 : flags.parse("last", parseCount);
  const filters = parseContainerFilters(flags.list("filter"));
  const format = new OutputFormat(formatText(flags), TABLE);
  const showsAll =
    flags.isOn("all") || last !== undefined || filters.status !== undefined || filters.exited !== undefined;
  // Filters may name others.
  const all = await engine.list({ isActive: !showsAll && flags.list("filter").length === 0 });
  const wanted = filterContainers(all, filters);
  const shown = wanted.filter(({ state }) => showsAll || state.status === "running" || state.status === "paused");
  const options = { nowMs, isWhole: flags.isOn("no-trunc") };
  const rows = shown.slice(0, last).map((container) => containerRow(container, options));
  printText(format.text(rows, CONTAINER_HEADINGS));
  return 0;
}

function parseCount(text: string): number | undefined {
  if (/^(-1|\d{1,9})$/.test(text)) return Number(text) > 0 ? Number(text) : undefined;
  throw new OrlopError("invalid", "it is a number");
}

/** As docker has it, `--quiet` goes before a format of one's own. */
function formatText(flags: ContainerCall["flags"]): string {
  const given = flags.text("format") ?? "";
  if (!flags.isOn("quiet")) return given || "table";
  if (given !== "") printWarning("Ignoring custom format, because both --format and --quiet are set.");
  return "{{.ID}}";
}
