import { setTimeout as delay } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import { leaveToCalled } from "../caller/not-here.ts";
import type { Command } from "../command.ts";
import { OutputFormat } from "../format/output-format.ts";
import { redrawn } from "../format/redrawn.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText, printWarning } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { filterContainers, parseContainerFilters } from "./container-filter.ts";
import { CONTAINER_HEADINGS, containerRow } from "./container-rows.ts";
import { type ContainerSize, containerSize } from "./container-size.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { parseOrder } from "./sort-containers.ts";

const TABLE = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

const NAMESPACES_TABLE =
  "{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}";

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
          help: "Only those of a status=, health=, name=, restart-policy=, id=, label=KEY[=VALUE], ancestor=IMAGE, network=, volume=, publish= or expose=PORT[-PORT][/PROTOCOL], exited=CODE, before= or since=CONTAINER",
        },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "last", short: "n", value: "NUMBER", help: "So many of those made last, whether or not they run" },
        { name: "latest", short: "l", help: "The one made last, whether or not it runs" },
        { name: "no-trunc", help: "Ids and commands in full" },
        { name: "quiet", short: "q", help: "Only ids" },
        { name: "size", short: "s", help: "What each has written, and that with its image" },
        { name: "noheading", help: "No headings above a table" },
        { name: "ns", help: "The namespaces of each, as numbers of this machine's kernel" },
        { name: "pod", short: "p", help: "The pod of each as well" },
        { name: "sort", value: "FIELD", help: "Order: command, created, id, image, names, runningfor, size or status" },
        {
          name: "watch",
          short: "w",
          value: "SECONDS",
          help: "Show it anew after each so many seconds, until interrupted",
        },
      ],
      refused: [
        { name: "external", isSwitch: true, reason: "there are no containers of other programs' here" },
        { name: "sync", isSwitch: true, reason: "what is listed is always what the kernel says" },
      ],
      flagsAnywhere: true,
    },
  },
  listContainers,
);

async function listContainers(call: ContainerCall): Promise<number> {
  const { flags } = call;
  if (flags.positional.length > 0) {
    throw new OrlopError("invalid", `"orlop ps" takes no words, and got ${JSON.stringify(flags.positional[0])}`);
  }
  const intervalMs = flags.parse("watch", parseWatch);
  if (intervalMs === undefined) {
    printText(await listText(call));
    return 0;
  }
  leaveToCalled("what goes on ends with the called process");
  using cancel = new CancelOnSignals();
  for (let isFirst = true; !cancel.signal.aborted; isFirst = false) {
    const text = await listText({ ...call, nowMs: Date.now() });
    printText(caller().stdout.isTTY ? redrawn(text, isFirst) : text);
    await delay(intervalMs, undefined, { signal: cancel.signal }).catch(() => {});
  }
  return 0;
}

async function listText({ engine, depot, flags, nowMs }: ContainerCall): Promise<string> {
  const last = flags.isOn("latest") ? 1 : flags.parse("last", parseCount);
  const filters = parseContainerFilters(flags.list("filter"));
  const order = flags.parse("sort", parseOrder);
  const template = formatText(flags);
  const format = new OutputFormat(template, tableText(flags));
  const showsAll =
    flags.isOn("all") || last !== undefined || filters.status !== undefined || filters.exited !== undefined;
  // Filters may name others.
  const all = await engine.list({ isActive: !showsAll && flags.list("filter").length === 0 });
  const wanted = filterContainers(all, filters);
  const shown = wanted.filter(({ state }) => showsAll || state.status === "running" || state.status === "paused");
  // As docker has it, a template that names it is a wish for it.
  const hasSize = flags.isOn("size") || flags.text("sort") === "size" || /\.Size\b/.test(template);
  const hasPods = flags.isOn("pod") || /\.PodName\b/.test(template);
  const podNames = hasPods ? new Map((await engine.pods.list()).map(({ pod }) => [pod.id, pod.name])) : undefined;
  const listed: { readonly container: Container; readonly size: ContainerSize | undefined }[] = [];
  for (const container of shown.slice(0, last)) {
    listed.push({ container, size: hasSize ? await containerSize(depot, container) : undefined });
  }
  if (order !== undefined) listed.sort(order);
  const rows = listed.map(({ container, size }) =>
    containerRow(container, { nowMs, isWhole: flags.isOn("no-trunc"), size, podNames }),
  );
  return format.text(rows, flags.isOn("noheading") ? undefined : CONTAINER_HEADINGS);
}

function tableText(flags: ContainerCall["flags"]): string {
  if (flags.isOn("ns")) {
    if (flags.isOn("size")) throw new OrlopError("invalid", "--size and --ns exclude each other");
    return NAMESPACES_TABLE;
  }
  const size = flags.isOn("size") ? "\t{{.Size}}" : "";
  return `${TABLE}${size}${flags.isOn("pod") ? "\t{{.Pod}}\t{{.PodName}}" : ""}`;
}

const WATCH_MAX_SECONDS = 1_000_000;

function parseWatch(text: string): number {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= WATCH_MAX_SECONDS) return seconds * 1000;
  throw new OrlopError("invalid", `it is a number of seconds from 1 to ${WATCH_MAX_SECONDS}`);
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
