import { OrlopError, parseName } from "@orlop/core";
import type { Volume } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { containerCommand, withEach } from "../containers/container-verb.ts";
import type { RefusedFlag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { hasLabel } from "../format/has-label.ts";
import { humanSize } from "../format/human-size.ts";
import { labelMethod, labelsText } from "../format/labels-text.ts";
import { OutputFormat } from "../format/output-format.ts";
import { Dictionary, Struct, structOf } from "../format/template/value.ts";
import { isConfirmed } from "../gc/is-confirmed.ts";
import { pruneFilter } from "../gc/prune-containers.ts";
import { section } from "../gc/prune-words.ts";
import { tellPruned } from "../gc/tell-pruned.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printDocuments } from "../inspect/document-printer.ts";
import { printError, printText } from "../print.ts";
import { parseLabels } from "../run/label-flags.ts";
import { pruneVolumes } from "./prune-volumes.ts";

function ofCluster(name: string): RefusedFlag {
  return { name, reason: "it is about a cluster" };
}

export const volumeCreateCommand: Command = containerCommand(
  {
    name: "create",
    usage: "[OPTIONS] [VOLUME]",
    description:
      "Makes a volume: a directory with a name, which outlives the containers that it is mounted in. The name is printed; without " +
      "one it is made up. One that is there already is left as it is.",
    examples: [["orlop volume create data", "orlop run -v data:/var/lib/data ..."]],
    table: {
      flags: [
        { name: "driver", short: "d", value: "DRIVER", help: "Who makes it: local (local)" },
        { name: "label", short: "l", value: "KEY[=VALUE]", help: "Note something with the volume" },
        { name: "ignore", help: "One that is there already is left as it is, as it always is" },
      ],
      refused: [
        { name: "opt", short: "o", reason: "a volume is a directory of this machine, and has no options" },
        { name: "availability", reason: "it is about a cluster" },
        ...["group", "limit-bytes", "required-bytes", "scope", "secret", "sharing", "type"].map(ofCluster),
        ...["topology-preferred", "topology-required"].map(ofCluster),
      ],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const [name, ...others] = flags.positional;
    if (others.length > 0)
      throw new OrlopError("invalid", `at most one name is taken, and there are ${others.length + 1}`);
    const driver = flags.text("driver") ?? "local";
    if (driver !== "local") {
      throw new OrlopError("unsupported", `Cannot use volume driver ${JSON.stringify(driver)}: there is local`);
    }
    const labels = parseLabels(flags.list("label"));
    const volume = await engine.volumes.ensure(name === undefined ? undefined : parseName(name), { labels });
    printText(`${volume.name}\n`);
    return 0;
  },
);

const HEADINGS = {
  Driver: "DRIVER",
  Name: "VOLUME NAME",
  Labels: "LABELS",
  Mountpoint: "MOUNTPOINT",
  Scope: "SCOPE",
  Links: "LINKS",
  Size: "SIZE",
  Availability: "AVAILABILITY",
  Group: "GROUP",
  Status: "STATUS",
} as const;

export const volumeListCommand: Command = containerCommand(
  {
    name: "ls",
    usage: "[OPTIONS]",
    description: "Lists volumes, sorted by name.",
    examples: [["orlop volume ls -f dangling=true", "those that no container uses"]],
    table: {
      flags: [
        { name: "filter", short: "f", value: "NAME=VALUE", help: "Only dangling=true, driver=, name= or label=" },
        { name: "format", value: "FORMAT", help: FORMAT_HELP },
        { name: "quiet", short: "q", help: "Only names" },
        { name: "noheading", short: "n", help: "No headings above a table" },
      ],
      refused: [{ name: "cluster", isSwitch: true, reason: "it is about a cluster" }],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    if (flags.positional.length > 0) {
      throw new OrlopError("invalid", `it takes no words, and got ${JSON.stringify(flags.positional[0])}`);
    }
    const given = flags.text("format") || "table";
    const text = given === "table" && flags.isOn("quiet") ? "{{.Name}}" : given;
    const format = new OutputFormat(text, "{{.Driver}}\t{{.Name}}");
    const isUsed = (name: string): boolean => engine.volumes.users(name).length > 0;
    const suits = flags.parseAll("filter", (filter) => parseFilter(filter, isUsed));
    const rows = engine.volumes.list().filter((volume) => suits.every((suit) => suit(volume)));
    printText(format.text(rows.map(volumeRow), flags.isOn("noheading") ? undefined : HEADINGS));
    return 0;
  },
);

function volumeRow({ name, labels, path }: Volume): Struct {
  const fields = {
    Driver: "local",
    Name: name,
    Labels: labelsText(labels),
    Mountpoint: path,
    Scope: "local",
    Links: "N/A",
    Size: "N/A",
    Availability: "N/A",
    Group: "N/A",
    Status: "N/A",
  };
  return structOf(fields, labelMethod(labels));
}

function parseFilter(text: string, isUsed: (name: string) => boolean): (volume: Volume) => boolean {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  switch (name) {
    case "dangling": {
      const wanted = /^(1|t|true)$/i.test(value);
      return (volume) => isUsed(volume.name) !== wanted;
    }
    case "driver":
      return () => value === "local";
    case "name":
      return (volume) => volume.name.includes(value);
    case "label":
      return ({ labels }) => hasLabel(labels, value);
    default:
      throw new OrlopError("invalid", "there are dangling=, driver=, label= and name=");
  }
}

export const volumeInspectCommand: Command = containerCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    description: "Tells all about volumes, as a list of JSON objects.",
    examples: [["orlop volume inspect -f '{{.Mountpoint}}' data", "where it is"]],
    table: {
      flags: [
        { name: "format", short: "f", value: "FORMAT", help: "json, or a template for each volume" },
        { name: "all", short: "a", help: "All volumes" },
      ],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const names = volumeNames(engine.volumes.list(), flags);
    if (names.length === 0 && !flags.isOn("all")) {
      throw new OrlopError("invalid", "at least one volume is required");
    }
    const read = async (name: string): Promise<Struct> => volumeDocument(engine.volumes.get(name));
    const output = { text: printText, error: printError };
    return await printDocuments(names, flags.text("format") ?? "", read, output);
  },
);

/** Those that are named, or with `--all` every one. @throws OrlopError `invalid` for both */
function volumeNames(all: readonly Volume[], flags: ParsedFlags): readonly string[] {
  if (!flags.isOn("all")) return flags.positional;
  if (flags.positional.length === 0) return all.map(({ name }) => name);
  throw new OrlopError("invalid", "either all volumes are taken, or those that are named");
}

/** With docker's fields. */
function volumeDocument({ name, createdAtMs, labels, path }: Volume): Struct {
  return new Struct([
    { name: "CreatedAt", value: new Date(createdAtMs).toISOString() },
    { name: "Driver", value: "local" },
    { name: "Labels", value: new Dictionary(Object.entries(labels), "") },
    { name: "Mountpoint", value: path },
    { name: "Name", value: name },
    { name: "Options", value: new Dictionary(undefined, "") },
    { name: "Scope", value: "local" },
  ]);
}

export const volumeRemoveCommand: Command = containerCommand(
  {
    name: "rm",
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    description: "Removes volumes that no container uses, with all that is in them.",
    examples: [["orlop volume rm data", "it is gone"]],
    table: {
      flags: [
        { name: "force", short: "f", help: "What is not there need not be removed" },
        { name: "all", short: "a", help: "All volumes; those in use are told of, and stay" },
      ],
      refused: [{ name: "time", short: "t", reason: "containers that use it are not removed with it" }],
      flagsAnywhere: true,
    },
  },
  async ({ engine, flags }) => {
    const isForced = flags.isOn("force");
    const names = volumeNames(engine.volumes.list(), flags);
    return await withEach(names.length === 0 && flags.isOn("all") ? undefined : names, async (name) => {
      if (!isForced || engine.volumes.find(name) !== undefined) await engine.volumes.remove(name);
      return undefined;
    });
  },
);

/** Docker's words for `--all`, from before it had that. */
const ALL_FILTER = /^all=(?:1|t|true)$/i;

export const volumePruneCommand: Command = containerCommand(
  {
    name: "prune",
    usage: "[OPTIONS]",
    description: "Removes volumes that no container uses and that nobody has given a name; with --all the others, too.",
    examples: [["orlop volume prune -af", "without a question"]],
    table: {
      flags: [
        { name: "all", short: "a", help: "Those with names, too" },
        { name: "force", short: "f", help: "Do not ask" },
        {
          name: "filter",
          value: "NAME=VALUE",
          help: "Only volumes made until=TIME, with a label=KEY[=VALUE], or without: label!=KEY[=VALUE]",
        },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, depot, flags } = call;
    const filters = flags.list("filter");
    const others = filters.filter((text) => !ALL_FILTER.test(text));
    const suits = pruneFilter(call, others);
    const isAll = flags.isOn("all") || others.length < filters.length;
    const kind = isAll ? "all" : "anonymous";
    const warning = `This will remove ${kind} local volumes not used by at least one container.`;
    const asked = { print: printText, input: caller().stdin };
    if (!flags.isOn("force") && !(await isConfirmed(asked, warning))) return 0;
    const { removed, freedBytes } = await pruneVolumes(
      engine.volumes,
      (volume) => (isAll || volume.isAnonymous) && suits(volume),
    );
    tellPruned(depot.database, "volume", freedBytes);
    printText(`${section("Deleted Volumes", removed)}Total reclaimed space: ${humanSize(freedBytes)}\n`);
    return 0;
  },
);
