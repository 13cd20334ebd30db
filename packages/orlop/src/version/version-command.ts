import { existsSync, readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { dirname, join } from "node:path";
import { OrlopError, RUNTIME_SPEC_VERSION } from "@orlop/core";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";

interface Versions {
  readonly orlop: string;
  readonly ociRuntimeSpec: string;
  readonly node: string;
  readonly kernel: string;
  readonly architecture: string;
}

export const versionCommand: Command = {
  name: "version",
  usage: "[OPTIONS]",
  description: "Shows the versions of orlop and of what it stands on.",
  examples: [],
  table: {
    flags: [
      { name: "format", value: "text|json", help: "How to print it (text)" },
      { name: "short", help: "Only orlop's own version" },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    const format = flags.text("format") ?? "text";
    const versions = readVersions();
    if (format === "json") printText(`${JSON.stringify(versions, undefined, 2)}\n`);
    else if (format !== "text")
      throw new OrlopError("invalid", `Cannot use format "${format}": there are text and json`);
    else printText(flags.isOn("short") ? `orlop ${versions.orlop}\n` : versionsText(versions));
    return 0;
  },
};

function readVersions(): Versions {
  const { version } = JSON.parse(readFileSync(manifestPath(), "utf8")) as { readonly version: string };
  return {
    orlop: version,
    ociRuntimeSpec: RUNTIME_SPEC_VERSION,
    node: process.versions.node,
    kernel: release(),
    architecture: arch() === "x64" ? "x86-64" : arch(),
  };
}

/** The package's manifest: the nearest one above this file, which is in src of a checkout or in dist of an installation. */
function manifestPath(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return join(directory, "package.json");
}

function versionsText(versions: Versions): string {
  return [
    `orlop             ${versions.orlop}`,
    `OCI runtime-spec  ${versions.ociRuntimeSpec}`,
    `Node.js           ${versions.node}`,
    `Linux             ${versions.kernel} (${versions.architecture})`,
    "",
  ].join("\n");
}
