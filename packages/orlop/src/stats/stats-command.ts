import { totalmem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { OrlopError, shortId } from "@orlop/core";
import { type Container, type Engine, isActive } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { OutputFormat } from "../format/output-format.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { networkTraffic } from "./network-traffic.ts";
import { STATS_HEADINGS, STATS_TABLE, type StatsReading, statsRow } from "./stats-row.ts";

const INTERVAL_MS = 1000;

export const statsCommand: Command = containerCommand(
  {
    name: "stats",
    usage: "[OPTIONS] [CONTAINER...]",
    description:
      "Shows what containers take of the machine, anew each second until it is interrupted: those named, or all that run. " +
      "Dashes stand for what the kernel does not count, as for an ordinary user without cgroups.",
    examples: [["orlop stats --no-stream --format '{{.Name}}: {{.MemUsage}}'", "once, a line each"]],
    table: {
      flags: [
        { name: "all", short: "a", help: "Those that do not run as well" },
        { name: "no-stream", help: "Once" },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "no-trunc", help: "Ids in full" },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => await showStats(call),
);

/** @param find the containers of another choice than the command line's own words, each time */
export async function showStats(
  { engine, flags }: Pick<ContainerCall, "engine" | "flags">,
  find?: () => Promise<readonly Container[]>,
): Promise<number> {
  const format = new OutputFormat(flags.text("format") || "table", STATS_TABLE);
  const options = { names: flags.positional, showsAll: flags.isOn("all"), find };
  using cancel = new CancelOnSignals();
  const { signal } = cancel;
  let earlier = new Map<string, StatsReading>();
  const read = async (): Promise<readonly StatsReading[]> => await readAll(engine, options);
  const show = (readings: readonly StatsReading[]): string => {
    const rows = readings.map((reading) =>
      statsRow(reading, {
        earlier: earlier.get(reading.id),
        memoryBytes: totalmem(),
        isWhole: flags.isOn("no-trunc"),
      }),
    );
    earlier = new Map(readings.map((reading) => [reading.id, reading]));
    return format.text(rows, STATS_HEADINGS);
  };
  show(await read());
  for (let isFirst = true; await passes(signal); isFirst = false) {
    const text = show(await read());
    if (flags.isOn("no-stream")) {
      printText(text);
      return 0;
    }
    printText(caller().stdout.isTTY ? redrawn(text, isFirst) : text);
  }
  return 0;
}

/** Whether nobody has interrupted it meanwhile. */
async function passes(signal: AbortSignal): Promise<boolean> {
  try {
    await delay(INTERVAL_MS, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** From the upper left corner, over what stands there. */
function redrawn(text: string, isFirst: boolean): string {
  return `${isFirst ? "\x1b[2J" : ""}\x1b[H${text.replaceAll("\n", "\x1b[K\n")}\x1b[J`;
}

interface Asked {
  readonly names: readonly string[];
  readonly showsAll: boolean;
  readonly find: (() => Promise<readonly Container[]>) | undefined;
}

async function readAll(engine: Engine, { names, showsAll, find }: Asked): Promise<readonly StatsReading[]> {
  const found =
    find === undefined && names.length > 0
      ? await Promise.all(names.map(async (name) => ({ asked: name, container: await engine.find(name) })))
      : (await (find?.() ?? engine.list()))
          .filter(({ state }) => showsAll || isActive(state.status))
          .map((container) => ({ asked: shortId(container.id), container }));
  return await Promise.all(found.map(async ({ asked, container }) => await readOne(engine, container, asked)));
}

async function readOne(engine: Engine, container: Container, asked: string): Promise<StatsReading> {
  const { id, name, network, state } = container;
  const idle = { id, name, asked, stats: undefined, network: undefined };
  if (!isActive(state.status)) return idle;
  try {
    const stats = await engine.stats(container);
    const { pid } = await (await engine.runtime(container)).state(id);
    // The host's traffic is not the container's.
    const traffic = pid === undefined || network.kind === "host" ? undefined : networkTraffic(pid);
    return { ...idle, stats, network: traffic };
  } catch (error) {
    // It ends just now.
    if (error instanceof OrlopError && (error.code === "not-found" || error.code === "conflict")) return idle;
    throw error;
  }
}
