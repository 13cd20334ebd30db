import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { readCgroupLayout } from "@orlop/kernel";
import { fittingSnapshotter } from "@orlop/snapshot";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { OutputFormat } from "../format/output-format.ts";
import { listImages } from "../images/list-images.ts";
import { printText } from "../print.ts";
import { namedSnapshotter } from "../store/named-snapshotter.ts";
import { ownVersion } from "../version/package-directory.ts";
import { infoDocument } from "./info-document.ts";
import { infoText } from "./info-text.ts";

export const infoCommand: Command = containerCommand(
  {
    name: "info",
    usage: "[OPTIONS]",
    description:
      "Tells how many containers and images there are, where they are, and what of this machine matters to them, with the " +
      "fields of docker's info. orlop doctor tells what is lacking, and what to do about it.",
    examples: [["orlop info -f '{{.Driver}}'", "what keeps the layers of images"]],
    table: {
      flags: [{ name: "format", short: "f", value: "FORMAT", help: "json, or a template in the language of Go's" }],
      flagsAnywhere: true,
    },
  },
  showInfo,
);

async function showInfo({ engine, depot, machine, flags, nowMs }: ContainerCall): Promise<number> {
  if (flags.positional.length > 0) throw new OrlopError("invalid", "it takes no arguments");
  const info = infoDocument({
    containers: await engine.list(),
    imageCount: (await listImages(depot)).length,
    snapshotter: namedSnapshotter() ?? fittingSnapshotter(depot.root),
    root: depot.root,
    machine,
    cgroups: readCgroupLayout(),
    version: ownVersion(),
    system: systemName(),
    networkDrivers: machine.rootless
      ? ["bridge", "pasta", "slirp4netns", "host", "none"]
      : ["bridge", "cni", "host", "none"],
    nowMs,
  });
  const format = flags.text("format") ?? "";
  printText(format === "" ? infoText(info) : new OutputFormat(format, "").text([info], {}));
  return 0;
}

/** os-release(5); a machine without that file is some Linux. */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}
