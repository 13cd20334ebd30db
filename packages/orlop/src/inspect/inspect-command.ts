import { OrlopError, type Platform, parsePlatform } from "@orlop/core";
import type { Command } from "../command.ts";
import { containerSize } from "../containers/container-size.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { LATEST, namedOrLatest } from "../containers/latest-container.ts";
import type { Flag } from "../flags/flag.ts";
import type { Struct } from "../format/template/value.ts";
import { imageDocument } from "../images/inspect-command.ts";
import { printError, printText, printWarning } from "../print.ts";
import { containerDocument } from "./container-document.ts";
import { printDocuments } from "./document-printer.ts";

const FORMAT: Flag = {
  name: "format",
  short: "f",
  value: "FORMAT",
  help: "How to print it: json, or a template for each, in the language of Go's templates",
};
const SIZE: Flag = { name: "size", short: "s", help: "Count what containers take on the disk, too" };

export const inspectCommand: Command = containerCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    description:
      "Tells all about containers and images, as a list of JSON objects. What is the name of a container and of an image is the " +
      "container. Of what is not there it tells nothing, and the exit code is 1.",
    examples: [
      ["orlop inspect -f '{{.State.Pid}}' web", "the process of this machine that web began with"],
      ["orlop inspect --type image -f '{{join .Config.Cmd \" \"}}' busybox", "what it runs"],
    ],
    table: {
      flags: [
        FORMAT,
        SIZE,
        LATEST,
        { name: "type", short: "t", value: "container|image", help: "What to look for" },
        {
          name: "platform",
          value: "PLATFORM",
          help: "Of an image for several platforms the one for OS[/ARCH[/VARIANT]]",
        },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { flags } = call;
    const type = flags.parse("type", parseType);
    const platform = flags.parse("platform", parsePlatform);
    const read = {
      any: async (text: string) => await readAny(call, text, platform),
      container: async (text: string) => await readContainer(call, text),
      image: async (text: string) => await readImage(call, text, platform),
    }[type ?? "any"];
    return await inspect(call, "inspect", read);
  },
);

export const containerInspectCommand: Command = containerCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    description:
      "Tells all about containers, as a list of JSON objects. Of what is not there it tells nothing, and the exit code is 1.",
    examples: [["orlop container inspect -f '{{json .Mounts}}' web", "what is mounted in it"]],
    table: { flags: [FORMAT, SIZE, LATEST], flagsAnywhere: true },
  },
  async (call) => await inspect(call, "container inspect", async (text) => await readContainer(call, text)),
);

async function inspect(call: ContainerCall, command: string, read: (text: string) => Promise<Struct>): Promise<number> {
  const { flags } = call;
  const names = await namedOrLatest(call);
  if (names.length === 0) throw new OrlopError("invalid", `"orlop ${command}" takes at least one name`);
  return await printDocuments(names, flags.text("format") ?? "", read, {
    text: printText,
    error: printError,
  });
}

function parseType(text: string): "container" | "image" | undefined {
  if (text === "" || text === "container" || text === "image") return text || undefined;
  throw new OrlopError("invalid", "there are container and image");
}

async function readImage(call: ContainerCall, text: string, platform: Platform | undefined): Promise<Struct> {
  const document = await imageDocument(call.depot, text, platform);
  if (call.flags.isOn("size")) printWarning("--size ignored for images");
  return document;
}

async function readContainer({ engine, flags, depot }: ContainerCall, text: string): Promise<Struct> {
  const found = await engine.find(text);
  // Of one that no database knows the runtime knows the process.
  const pid = found.isTransient ? (await (await engine.runtime(found)).state(found.id)).pid : found.state.pid;
  const container = { ...found, state: { ...found.state, pid } };
  return containerDocument({
    container,
    spec: engine.spec(container),
    logPath: engine.logFile(container) ?? "",
    ...(flags.isOn("size") ? { size: await containerSize(depot, container) } : {}),
  });
}

async function readAny(call: ContainerCall, text: string, platform: Platform | undefined): Promise<Struct> {
  const readers = [async () => await readContainer(call, text), async () => await readImage(call, text, platform)];
  for (const read of readers) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    }
  }
  throw new OrlopError("not-found", `No such object: ${text}`);
}
