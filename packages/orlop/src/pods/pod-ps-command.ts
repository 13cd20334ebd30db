import { OrlopError } from "@orlop/core";
import { type PodWithMembers, podStatus } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { networkNames } from "../containers/network-names.ts";
import { OutputFormat } from "../format/output-format.ts";
import { valueJson } from "../format/template/value-json.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText } from "../print.ts";
import { isMain, POD_HEADINGS, podListDocument, podRow } from "./pod-row.ts";

const BASE = ["{{.Id}}", "{{.Name}}", "{{.Status}}", "{{.Created}}", "{{.InfraId}}"];
/** As podman has it. */
const INDENT = "  ";

export const podListCommand: Command = containerCommand(
  {
    name: "ps",
    usage: "[OPTIONS]",
    description: "Lists pods, whether or not they run, those made last first.",
    examples: [["orlop pod ps --ctr-names --ctr-status", "with their containers"]],
    table: {
      flags: [
        { name: "ctr-ids", help: "Show ids of containers" },
        { name: "ctr-names", help: "Show names of containers" },
        { name: "ctr-status", help: "Show what containers do" },
        {
          name: "filter",
          short: "f",
          value: "NAME=VALUE",
          help: "Only those of a status=, name=, id=, label=KEY[=VALUE], network=, ctr-names=, ctr-ids=, ctr-status= or ctr-number=",
        },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "latest", short: "l", help: "The pod made last" },
        { name: "no-trunc", help: "Ids in full" },
        { name: "noheading", help: "No headings", aliases: ["no-heading"] },
        { name: "quiet", short: "q", help: "Only ids" },
        { name: "sort", value: "created|id|name|number|status", help: "Order (created)" },
      ],
      refused: [{ name: "ns", isSwitch: true, reason: "pods have no namespaces of names" }],
      flagsAnywhere: true,
    },
  },
  listPods,
);

async function listPods({ engine, flags, nowMs }: ContainerCall): Promise<number> {
  if (flags.positional.length > 0) throw new OrlopError("invalid", '"orlop pod ps" takes no words');
  const filters = flags.list("filter").map(parseFilter);
  const order = ORDERS[flags.parse("sort", parseOrder) ?? "created"];
  const wanted = (await engine.pods.list()).filter((each) => filters.every((suits) => suits(each)));
  const pods = (flags.isOn("latest") ? wanted.slice(0, 1) : wanted).toSorted(order);
  const given = flags.text("format") ?? "";
  if (given === "json") {
    printText(`${valueJson(pods.map(podListDocument), INDENT)}\n`);
    return 0;
  }
  const columns = [
    ...BASE,
    ...(flags.isOn("ctr-ids") ? ["{{.ContainerIds}}"] : []),
    ...(flags.isOn("ctr-names") ? ["{{.ContainerNames}}"] : []),
    ...(flags.isOn("ctr-status") ? ["{{.ContainerStatuses}}"] : []),
  ];
  const table = columns.length === BASE.length ? [...BASE, "{{.NumberOfContainers}}"] : columns;
  const text = given === "" ? (flags.isOn("quiet") ? "{{.Id}}" : "table") : given;
  const format = new OutputFormat(text, table.join("\t"));
  const options = { nowMs, isWhole: flags.isOn("no-trunc") };
  const lines = format.text(
    pods.map((pod) => podRow(pod, options)),
    POD_HEADINGS,
  );
  printText(flags.isOn("noheading") && text.startsWith("table") ? lines.slice(lines.indexOf("\n") + 1) : lines);
  return 0;
}

type Order = "created" | "id" | "name" | "number" | "status";

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

const ORDERS: Readonly<Record<Order, (a: PodWithMembers, b: PodWithMembers) => number>> = {
  created: (a, b) => compare(b.pod.createdAtMs, a.pod.createdAtMs),
  id: (a, b) => compare(a.pod.id, b.pod.id),
  name: (a, b) => compare(a.pod.name, b.pod.name),
  number: (a, b) => compare(a.members.length, b.members.length),
  status: (a, b) => compare(podStatus(a.pod, a.members.filter(isMain)), podStatus(b.pod, b.members.filter(isMain))),
};

function parseOrder(text: string): Order {
  if (Object.hasOwn(ORDERS, text)) return text as Order;
  throw new OrlopError("invalid", `there are ${Object.keys(ORDERS).join(", ")}`);
}

type Suits = (pod: PodWithMembers) => boolean;

const FILTERS: Readonly<Record<string, (value: string) => Suits>> = {
  id:
    (value) =>
    ({ pod }) =>
      pod.id.startsWith(value),
  name:
    (value) =>
    ({ pod }) =>
      pod.name.includes(value),
  status:
    (value) =>
    ({ pod, members }) =>
      podStatus(pod, members.filter(isMain)).toLowerCase() === value.toLowerCase().replace(/^stopped$/, "exited"),
  label:
    (value) =>
    ({ pod }) => {
      const equals = value.indexOf("=");
      const name = equals < 0 ? value : value.slice(0, equals);
      return Object.hasOwn(pod.labels, name) && (equals < 0 || pod.labels[name] === value.slice(equals + 1));
    },
  network:
    (value) =>
    ({ pod }) =>
      networkNames(pod.network).includes(value),
  "ctr-ids":
    (value) =>
    ({ members }) =>
      members.some(({ id }) => id.startsWith(value)),
  "ctr-names":
    (value) =>
    ({ members }) =>
      members.some(({ name }) => name.includes(value)),
  "ctr-status":
    (value) =>
    ({ members }) =>
      members.some(({ state }) => state.status === value),
  "ctr-number":
    (value) =>
    ({ members }) =>
      String(members.length) === value,
};

function parseFilter(text: string): Suits {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0));
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (filter !== undefined) return filter(text.slice(equals + 1));
  throw new OrlopError(
    "invalid",
    `Cannot use filter ${JSON.stringify(text)}: there are ${Object.keys(FILTERS).join(", ")}`,
  );
}
