import { totalmem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { OrlopError, shortId } from "@orlop/core";
import { type Container, type Engine, isActive } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { LATEST, namedOrLatest } from "../containers/latest-container.ts";
import type { Flag } from "../flags/flag.ts";
import { OutputFormat } from "../format/output-format.ts";
import { redrawn } from "../format/redrawn.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { networkTraffic } from "./network-traffic.ts";
import { STATS_HEADINGS, STATS_TABLE, type StatsReading, statsRow } from "./stats-row.ts";

const INTERVAL_MS = 1000;
const INTERVAL_MAX_SECONDS = 1_000_000;

/** Podman's. */
export const STATS_PACE_FLAGS: readonly Flag[] = [
  { name: "interval", short: "i", value: "SECONDS", help: "So long from one time to the next (1)" },
  { name: "no-reset", help: "Show each time below the last one, also on a terminal" },
];

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
        ...STATS_PACE_FLAGS,
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    if (!call.flags.isOn("latest")) return await showStats(call);
    const latest = (await namedOrLatest(call))[0] ?? "";
    return await showStats(call, async () => [await call.engine.find(latest)]);
  },
);

/** @param find the containers of another choice than the command line's own words, each time */
export async function showStats(
  { engine, flags }: Pick<ContainerCall, "engine" | "flags">,
  find?: () => Promise<readonly Container[]>,
): Promise<number> {
  const format = new OutputFormat(flags.text("format") || "table", STATS_TABLE);
  const options = { names: flags.positional, showsAll: flags.isOn("all"), find };
  const intervalMs = flags.parse("interval", parseInterval) ?? INTERVAL_MS;
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
  // The first figures take no longer, however long it is to the next.
  for (let isFirst = true; await passes(isFirst ? INTERVAL_MS : intervalMs, signal); isFirst = false) {
    const text = show(await read());
    if (flags.isOn("no-stream")) {
      printText(text);
      return 0;
    }
    printText(caller().stdout.isTTY && !flags.isOn("no-reset") ? redrawn(text, isFirst) : text);
  }
  return 0;
}

function parseInterval(text: string): number {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= INTERVAL_MAX_SECONDS) return seconds * 1000;
  throw new OrlopError("invalid", `it is a number of seconds from 1 to ${INTERVAL_MAX_SECONDS}`);
}

/** Whether nobody has interrupted it meanwhile. */
async function passes(timeMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(timeMs, undefined, { signal });
    return true;
  } catch {
    return false;
  }
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
