import { OrlopError } from "@orlop/core";
import type { EngineEvent } from "@orlop/engine";
import type { Command } from "../command.ts";
import { Template } from "../format/template/template.ts";
import { Dictionary, Struct } from "../format/template/value.ts";
import { parsePointInTime } from "../images/point-in-time.ts";
import { printText } from "../print.ts";
import { CancelOnSignals } from "../transfer/cancel-on-signals.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { parseEventFilters, suitsEvent } from "./event-filter.ts";

export const eventsCommand: Command = containerCommand(
  {
    name: "events",
    usage: "[OPTIONS]",
    description:
      "Prints what happens to containers, images, networks, pods and volumes, a line each, as it happens: of containers attach, " +
      "create, destroy, die, exec_create, exec_start, exec_die, health_status, kill, oom, pause, rename, restart, start, stop, " +
      "unpause, update, ... With --since it begins with what has happened since then.",
    examples: [
      ["orlop events -f event=die --format '{{.Actor.Attributes.name}}'", "the names of those that end"],
      ["orlop events --since 10m --until 0s", "the last ten minutes"],
    ],
    table: {
      flags: [
        {
          name: "filter",
          short: "f",
          value: "NAME=VALUE",
          help: "Only container=, event=, image=, label=, network=, pod=, scope=local, type= or volume=",
        },
        { name: "format", value: "FORMAT", help: "json, or a template for each, in the language of Go's templates" },
        { name: "since", value: "TIME", help: "Begin then: 10m (ago), 2026-01-02T15:04:05Z, or Unix seconds" },
        { name: "until", value: "TIME", help: "End then" },
        { name: "no-trunc", help: "Ids in full, as they always are" },
        { name: "stream", help: "Go on with what happens (on unless =false)" },
      ],
      flagsAnywhere: true,
    },
  },
  showEvents,
);

async function showEvents({ engine, flags, nowMs }: ContainerCall): Promise<number> {
  if (flags.positional.length > 0) {
    throw new OrlopError("invalid", `"orlop events" takes no words, and got ${JSON.stringify(flags.positional[0])}`);
  }
  const time = (text: string): number => parsePointInTime(text, nowMs);
  const sinceMs = flags.parse("since", time);
  const isEndless = !flags.has("stream") || flags.isOn("stream");
  const untilMs = flags.parse("until", time) ?? (isEndless ? undefined : nowMs);
  const filters = parseEventFilters(flags.list("filter"));
  const print = eventPrinter(flags.text("format") ?? "");
  using cancel = new CancelOnSignals();
  const options = {
    signal: cancel.signal,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
  for await (const event of engine.events(options)) if (suitsEvent(event, filters)) printText(`${print(event)}\n`);
  return 0;
}

/** @throws OrlopError `invalid` for a template that is none */
function eventPrinter(format: string): (event: EngineEvent) => string {
  if (format === "") return eventLine;
  const template = new Template(format === "json" ? "{{json .}}" : format);
  return (event) => template.execute(eventDocument(event));
}

/** `2026-01-02T03:04:05.678000000Z container start ID (image=busybox, name=box)` */
function eventLine({ atMs, type, action, id, attributes }: EngineEvent): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = sorted.map(([name, value]) => `${name}=${value}`).join(", ");
  return `${new Date(atMs).toISOString().replace("Z", "000000Z")} ${type} ${action} ${id} (${text})`;
}

/** In the form that docker's API has it. */
function eventDocument({ atMs, type, action, id, attributes }: EngineEvent): Struct {
  const isOfContainer = type === "container";
  return new Struct([
    { name: "Status", jsonName: "status", value: isOfContainer ? action : "", omitEmpty: true },
    { name: "ID", jsonName: "id", value: isOfContainer ? id : "", omitEmpty: true },
    { name: "From", jsonName: "from", value: isOfContainer ? (attributes.image ?? "") : "", omitEmpty: true },
    { name: "Type", value: type },
    { name: "Action", value: action },
    {
      name: "Actor",
      value: new Struct([
        { name: "ID", value: id },
        { name: "Attributes", value: new Dictionary(Object.entries(attributes), "") },
      ]),
    },
    { name: "Scope", jsonName: "scope", value: "local", omitEmpty: true },
    { name: "Time", jsonName: "time", value: Math.floor(atMs / 1000) },
    { name: "TimeNano", jsonName: "timeNano", value: BigInt(Math.round(atMs)) * 1_000_000n },
  ]);
}
