import type { LogEntry } from "@orlop/core";
import { OrlopError, shortId } from "@orlop/core";
import { leaveToCalled } from "../caller/not-here.ts";
import type { Command } from "../command.ts";
import { parsePointInTime } from "../images/point-in-time.ts";
import { writeOutput } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { COLOR, containerColors } from "./container-colors.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { LATEST, namedOrLatest } from "./latest-container.ts";
import { logDetails } from "./log-details.ts";
import { printLogs } from "./print-logs.ts";

export const logsCommand: Command = containerCommand(
  {
    name: "logs",
    usage: "[OPTIONS] [CONTAINER...]",
    description:
      "Prints what a container has put out, on standard output what it wrote to its own and on standard error likewise. " +
      "With --follow it goes on with what comes, until the container has ended. Of several containers each line comes behind " +
      "the id of its own.",
    examples: [
      ["orlop logs -f --tail 10 web", "the last lines, and what comes"],
      ["orlop logs -t --since 10m web", "of the last ten minutes, each line with its time"],
    ],
    table: {
      flags: [
        { name: "follow", short: "f", help: "Go on with what comes" },
        {
          name: "since",
          value: "TIME",
          help: "Only what came since then: 10m (ago), 2026-01-02T15:04:05Z, or Unix seconds",
        },
        { name: "until", value: "TIME", help: "Only what came until then" },
        { name: "tail", short: "n", value: "NUMBER|all", help: "So many of the last lines (all)" },
        { name: "timestamps", short: "t", help: "Show the time of each line" },
        { name: "details", help: "Show what --log-opt labels=, env= and tag= have with each line" },
        { name: "names", help: "Show the name of the container before each line" },
        COLOR,
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  showLogs,
);

async function showLogs(call: ContainerCall): Promise<number> {
  const { engine, flags, nowMs } = call;
  if (flags.isOn("follow")) leaveToCalled("what goes on ends with the called process");
  const names = await namedOrLatest(call);
  if (names.length === 0) throw new OrlopError("invalid", "a container is required");
  const containers = await Promise.all(names.map(async (name) => await engine.find(name)));
  using cancel = new CancelOnSignals();
  const time = (text: string): bigint => BigInt(Math.round(parsePointInTime(text, nowMs) * 1000)) * 1000n;
  const sinceNs = flags.parse("since", time);
  const untilNs = flags.parse("until", time);
  const tailLines = flags.parse("tail", parseTail);
  const options = {
    follow: flags.isOn("follow"),
    signal: cancel.signal,
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    ...(tailLines === undefined ? {} : { tailLines }),
  };
  const hasTimes = flags.isOn("timestamps");
  const colored = containerColors(flags, containers);
  const details = flags.isOn("details") ? new Map(containers.map((each) => [each.id, logDetails(each)])) : undefined;
  await printLogs(engine, containers, options, async (container, entry) => {
    const name = flags.isOn("names") ? container.name : containers.length > 1 ? shortId(container.id) : "";
    const title = name === "" ? "" : `${colored(container, name)} `;
    await printLogEntry(entry, { hasTimes, title, ...(details && { details: details.get(container.id) ?? "" }) });
  });
  return 0;
}

/** So many lines; undefined for all. */
export function parseTail(text: string): number | undefined {
  if (text === "all" || text === "-1") return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new OrlopError("invalid", "it is a number of lines, or all");
}

/** What stands before a line. */
interface LinePrefix {
  readonly hasTimes: boolean;
  readonly title?: string;
  /** Absent: not asked for. */
  readonly details?: string;
}

/** Prints a line, with what stands before it. */
export async function printLogEntry(
  { stream, timeNs, data }: LogEntry,
  { hasTimes, title = "", details }: LinePrefix,
): Promise<void> {
  // As docker has it, there is a space also where there are none.
  const told = details === undefined ? "" : `${details} `;
  const before = `${title}${hasTimes ? `${nanosecondTime(timeNs)} ` : ""}${told}`;
  const bytes = before === "" ? data : Buffer.concat([Buffer.from(before), data]);
  await writeOutput(stream, bytes);
}

/** RFC 3339 in UTC, with all nine digits: docker's. */
function nanosecondTime(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, "2026-01-02T15:04:05".length);
  return `${seconds}.${String(timeNs % 1_000_000_000n).padStart(9, "0")}Z`;
}
