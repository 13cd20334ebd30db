import { arch, release } from "node:os";
import { OrlopError, RUNTIME_SPEC_VERSION } from "@orlop/core";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { ownVersion } from "./package-directory.ts";

export interface Versions {
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
    flagsAnywhere: true,
    flags: [
      {
        name: "format",
        short: "f",
        value: "FORMAT",
        help: "text, json, or a Go template: {{.Client.Version}} and {{.Server.Version}} as with docker",
      },
      { name: "short", help: "Only orlop's own version" },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    const format = flags.text("format") ?? "text";
    const versions = readVersions();
    if (format === "json") printText(`${JSON.stringify(versions, undefined, 2)}\n`);
    else if (format.includes("{{")) {
      // Loaded no sooner: hardly anybody asks so.
      const { versionTemplate } = await import("./version-template.ts");
      printText(`${versionTemplate(format, versions)}\n`);
    } else if (format !== "text") {
      throw new OrlopError("invalid", `Cannot use format "${format}": there are text and json, and Go's templates`);
    } else printText(flags.isOn("short") ? `orlop ${versions.orlop}\n` : versionsText(versions));
    return 0;
  },
};

function readVersions(): Versions {
  return {
    orlop: ownVersion(),
    ociRuntimeSpec: RUNTIME_SPEC_VERSION,
    node: process.versions.node,
    kernel: release(),
    architecture: arch() === "x64" ? "x86-64" : arch(),
  };
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
