import { type LogEntry, OrlopError, shortId } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Command } from "../command.ts";
import { COLOR, containerColors } from "../containers/container-colors.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { parseTail, printLogEntry } from "../containers/logs-command.ts";
import { printLogs } from "../containers/print-logs.ts";
import { parsePointInTime } from "../images/point-in-time.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { LATEST, namedOrLatestPods } from "./pod-verb.ts";

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
        COLOR,
        LATEST,
        { name: "names", short: "n", help: "Names of containers instead of ids" },
        { name: "since", value: "TIME", help: "Only what came since then" },
        { name: "until", value: "TIME", help: "Only what came until then" },
        { name: "tail", value: "NUMBER|all", help: "So many of the last lines of each container (all)" },
        { name: "timestamps", short: "t", help: "Show the time of each line" },
      ],
      flagsAnywhere: true,
    },
  },
  showLogs,
);

async function showLogs(call: ContainerCall): Promise<number> {
  const { engine, flags, nowMs } = call;
  const [name, ...others] = await namedOrLatestPods(call);
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
  const options = {
    follow: flags.isOn("follow"),
    signal: cancel.signal,
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    ...(tailLines === undefined ? {} : { tailLines }),
  };
  const colored = containerColors(flags, wanted);
  const print = async (member: Container, entry: LogEntry): Promise<void> => {
    const name = flags.isOn("names") ? member.name : shortId(member.id);
    const title = only === undefined ? `${colored(member, name)} ` : "";
    await printLogEntry(entry, { hasTimes: flags.isOn("timestamps"), title });
  };
  const kept = wanted.filter(({ log }) => log.driver === "file");
  await printLogs(engine, kept, options, print);
  return 0;
}
