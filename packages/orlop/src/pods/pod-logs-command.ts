import { type LogEntry, OrlopError, shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { parseTail, printLogEntry } from "../containers/logs-command.ts";
import { parsePointInTime } from "../images/point-in-time.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";

export const podLogsCommand: Command = containerCommand(
  {
    name: "logs",
    usage: "[OPTIONS] POD",
    description:
      "Prints what the containers of a pod have put out, each line behind the id of its container. What is there comes in the " +
      "order in which it was written; with --follow it goes on with what comes.",
    examples: [["orlop pod logs -f -n web", "with names, and what comes"]],
    table: {
      flags: [
        { name: "container", short: "c", value: "CONTAINER", help: "Only of this one, and only what it has put out" },
        { name: "follow", short: "f", help: "Go on with what comes" },
        { name: "names", short: "n", help: "Names of containers instead of ids" },
        { name: "since", value: "TIME", help: "Only what came since then" },
        { name: "until", value: "TIME", help: "Only what came until then" },
        { name: "tail", value: "NUMBER|all", help: "So many of the last lines of each container (all)" },
        { name: "timestamps", short: "t", help: "Show the time of each line" },
      ],
      refused: [{ name: "color", isSwitch: true, reason: "lines have no colours" }],
      flagsAnywhere: true,
    },
  },
  showLogs,
);

async function showLogs(call: ContainerCall): Promise<number> {
  const { engine, flags, nowMs } = call;
  const [name, ...others] = flags.positional;
  if (name === undefined || others.length > 0) throw new OrlopError("invalid", "one pod is taken");
  const { pod, members } = await engine.pods.find(name);
  const only = flags.text("container");
  const wanted = members.filter((each) => only === undefined || each.name === only || each.id.startsWith(only));
  if (only !== undefined && wanted.length === 0) {
    throw new OrlopError("not-found", `Cannot find container "${only}": it is none of pod "${pod.name}"`);
  }
  using cancel = new CancelOnSignals();
  const time = (text: string): bigint => BigInt(Math.round(parsePointInTime(text, nowMs) * 1000)) * 1000n;
  const [sinceNs, untilNs] = [flags.parse("since", time), flags.parse("until", time)];
  const tailLines = flags.parse("tail", parseTail);
  const follow = flags.isOn("follow");
  const options = {
    follow,
    signal: cancel.signal,
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    ...(tailLines === undefined ? {} : { tailLines }),
  };
  const print = async (member: Container, entry: LogEntry): Promise<void> => {
    const title = only === undefined ? `${flags.isOn("names") ? member.name : shortId(member.id)} ` : "";
    await printLogEntry(entry, { hasTimes: flags.isOn("timestamps"), title });
  };
  const kept = wanted.filter(({ log }) => log.driver === "file");
  if (follow) {
    await Promise.all(
      kept.map(async (member) => {
        for await (const entry of engine.logs(member, options)) await print(member, entry);
      }),
    );
    return 0;
  }
  for await (const { member, entry } of inOrder(kept, (member) => engine.logs(member, options))) {
    await print(member, entry);
  }
  return 0;
}

interface Line {
  readonly member: Container;
  readonly entry: LogEntry;
}

/** What several containers have written, in the order of its times. */
async function* inOrder(
  members: readonly Container[],
  open: (member: Container) => AsyncIterable<LogEntry>,
): AsyncGenerator<Line> {
  const sources = members.map((member) => ({ member, lines: open(member)[Symbol.asyncIterator]() }));
  const heads = await Promise.all(sources.map(async ({ lines }) => await lines.next()));
  for (;;) {
    let first: number | undefined;
    for (const [index, head] of heads.entries()) {
      const best = first === undefined ? undefined : heads[first];
      if (head.done !== true && (best?.done !== false || head.value.timeNs < best.value.timeNs)) first = index;
    }
    const [source, head] = first === undefined ? [] : [sources[first], heads[first]];
    if (source === undefined || head === undefined || head.done === true || first === undefined) return;
    yield { member: source.member, entry: head.value };
    heads[first] = await source.lines.next();
  }
}
