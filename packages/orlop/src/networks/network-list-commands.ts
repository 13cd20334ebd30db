import { type NetworkDriver, type NetworkInfo, OrlopError, shortId } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { goTimeWithFraction } from "../format/go-time.ts";
import { hasLabel } from "../format/has-label.ts";
import { labelMethod, labelsText } from "../format/labels-text.ts";
import { OutputFormat } from "../format/output-format.ts";
import { Dictionary, NIL_LIST, Struct, structOf } from "../format/template/value.ts";
import { isConfirmed } from "../gc/is-confirmed.ts";
import { pruneFilter } from "../gc/prune-containers.ts";
import { section } from "../gc/prune-words.ts";
import { tellPruned } from "../gc/tell-pruned.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printDocuments } from "../inspect/document-printer.ts";
import { printError, printText } from "../print.ts";
import { pruneNetworks } from "./prune-networks.ts";

const HEADINGS = {
  ID: "NETWORK ID",
  Name: "NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
  CreatedAt: "CREATED AT",
} as const;

export const networkListCommand: Command = containerCommand(
  {
    name: "ls",
    usage: "[OPTIONS]",
    description: "Lists networks, sorted by name.",
    examples: [["orlop network ls --format '{{.Name}}'", "the names alone"]],
    table: {
      flags: [
        { name: "filter", short: "f", value: "NAME=VALUE", help: "Only those of a driver=, id=, name= or label=" },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "no-trunc", help: "Ids in full" },
        { name: "quiet", short: "q", help: "Only ids" },
        { name: "noheading", help: "No headings above a table" },
      ],
      flagsAnywhere: true,
    },
  },
  async ({ flags, networks }) => {
    if (flags.positional.length > 0) {
      throw new OrlopError("invalid", `it takes no words, and got ${JSON.stringify(flags.positional[0])}`);
    }
    const given = flags.text("format") || "table";
    const text = given === "table" && flags.isOn("quiet") ? "{{.ID}}" : given;
    const format = new OutputFormat(text, "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}");
    const suits = flags.parseAll("filter", parseFilter);
    const shown = (await (await networks()).list()).filter((info) => suits.every((suit) => suit(info)));
    const isWhole = flags.isOn("no-trunc");
    printText(
      format.text(
        shown.map((info) => networkRow(info, isWhole)),
        flags.isOn("noheading") ? undefined : HEADINGS,
      ),
    );
    return 0;
  },
);

function networkRow(
  { id, name, driver, subnets, internal, labels, createdAtMs }: NetworkInfo,
  isWhole: boolean,
): Struct {
  const fields = {
    ID: isWhole ? id : shortId(id),
    Name: name,
    Driver: driver,
    Scope: "local",
    IPv4: String(subnets.some(({ prefix }) => !prefix.includes(":"))),
    IPv6: String(subnets.some(({ prefix }) => prefix.includes(":"))),
    Internal: String(internal),
    Labels: labelsText(labels),
    CreatedAt: goTimeWithFraction(createdAtMs),
  };
  return structOf(fields, labelMethod(labels));
}

function parseFilter(text: string): (info: NetworkInfo) => boolean {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  switch (name) {
    case "driver":
      return (info) => info.driver === value;
    case "id":
      return (info) => info.id.startsWith(value);
    case "name":
      return (info) => info.name.includes(value);
    case "label":
      return ({ labels }) => hasLabel(labels, value);
    default:
      throw new OrlopError("invalid", "there are driver=, id=, label= and name=");
  }
}

export const networkInspectCommand: Command = containerCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    description: "Tells all about networks, and who is on them, as a list of JSON objects.",
    examples: [["orlop network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge", "its addresses"]],
    table: {
      flags: [{ name: "format", short: "f", value: "FORMAT", help: "json, or a template for each network" }],
      refused: [{ name: "verbose", short: "v", isSwitch: true, reason: "it is about a swarm" }],
      flagsAnywhere: true,
    },
  },
  inspectNetworks,
);

async function inspectNetworks({ flags, networks, engine }: ContainerCall): Promise<number> {
  if (flags.positional.length === 0) throw new OrlopError("invalid", "at least one network is required");
  const driver = await networks();
  const read = (text: string): Promise<Struct> => networkDocument(driver, engine, text);
  const output = { text: printText, error: printError };
  return await printDocuments(flags.positional, flags.text("format") ?? "", read, output);
}

/** With docker's fields. */
async function networkDocument(driver: NetworkDriver, engine: Engine, text: string): Promise<Struct> {
  const info = await driver.inspect(text);
  const containers = await engine.list();
  const endpoints = await driver.endpoints(info.id);
  const config = info.subnets.map(
    ({ prefix, range, gateway }) =>
      new Struct([
        { name: "Subnet", value: prefix },
        { name: "IPRange", value: range ?? "", omitEmpty: true },
        { name: "Gateway", value: gateway },
      ]),
  );
  return new Struct([
    { name: "Name", value: info.name },
    { name: "Id", value: info.id },
    { name: "Created", value: new Date(info.createdAtMs).toISOString() },
    { name: "Scope", value: "local" },
    { name: "Driver", value: info.driver },
    { name: "EnableIPv4", value: info.subnets.some(({ prefix }) => !prefix.includes(":")) },
    { name: "EnableIPv6", value: info.subnets.some(({ prefix }) => prefix.includes(":")) },
    {
      name: "IPAM",
      value: new Struct([
        { name: "Driver", value: "default" },
        { name: "Options", value: new Dictionary([], "") },
        { name: "Config", value: config.length === 0 ? NIL_LIST : config },
      ]),
    },
    { name: "Internal", value: info.internal },
    { name: "Attachable", value: false },
    { name: "Ingress", value: false },
    { name: "ConfigFrom", value: new Struct([{ name: "Network", value: "" }]) },
    { name: "ConfigOnly", value: false },
    {
      name: "Containers",
      value: new Dictionary(
        endpoints.map((endpoint) => [endpoint.id, endpointDocument(endpoint, containers)] as const),
        null,
      ),
    },
    { name: "Options", value: new Dictionary(Object.entries(info.options), "") },
    { name: "Labels", value: new Dictionary(Object.entries(info.labels), "") },
  ]);
}

type EndpointInfo = Awaited<ReturnType<NetworkDriver["endpoints"]>>[number];

function endpointDocument({ id, addresses, hardwareAddress }: EndpointInfo, containers: readonly Container[]): Struct {
  const address = (isOfSix: boolean): string => addresses.find((each) => each.includes(":") === isOfSix) ?? "";
  return new Struct([
    { name: "Name", value: containers.find((container) => container.id === id)?.name ?? "" },
    { name: "EndpointID", value: id },
    { name: "MacAddress", value: hardwareAddress },
    { name: "IPv4Address", value: address(false) },
    { name: "IPv6Address", value: address(true) },
  ]);
}

export const networkPruneCommand: Command = containerCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description: "Removes all networks that no container is on, but for the default one.",
    examples: [["orlop network prune -f", "without a question"]],
    table: {
      flags: [
        { name: "force", short: "f", help: "Do not ask" },
        {
          name: "filter",
          value: "NAME=VALUE",
          help: "Only networks made until=TIME, with a label=KEY[=VALUE], or without: label!=KEY[=VALUE]",
        },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { flags, networks, engine, depot } = call;
    const suits = pruneFilter(call);
    const warning = "This will remove all custom networks not used by at least one container.";
    const asked = { print: printText, input: caller().stdin };
    if (!flags.isOn("force") && !(await isConfirmed(asked, warning))) return 0;
    const removed = await pruneNetworks(engine, await networks(), suits);
    tellPruned(depot.database, "network", 0);
    printText(section("Deleted Networks", removed));
    return 0;
  },
);
