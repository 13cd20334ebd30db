import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { printError, printText } from "../print.ts";
import { unitEnvironment } from "../systemd-unit/systemd-command.ts";
import { packageDirectory } from "../version/package-directory.ts";
import { findUnitFiles, unitDirectories } from "./find-unit-files.ts";
import { makeServices } from "./make-services.ts";
import { writeServices } from "./write-services.ts";

export const quadletCommand: Command = {
  name: "quadlet",
  usage: "[OPTIONS] DIR",
  description:
    "Writes services of systemd's for unit files as podman's quadlet has them: .container, .pod, .volume, .network, .image and " +
    ".kube. They are looked for in /etc/containers/systemd and the other directories of podman's, of an ordinary user in " +
    "~/.config/containers/systemd. What was written to DIR before, and has no unit file any more, is removed.\n\n" +
    "A key that orlop does not know or do is refused by its name and line, and with it the service; docs/quadlet.md has them all.",
  examples: [
    ["orlop quadlet --dryrun", "prints what would be written"],
    ["orlop quadlet /etc/systemd/system && systemctl daemon-reload", "then systemctl start web"],
  ],
  table: {
    flags: [
      { name: "dryrun", aliases: ["dry-run"], help: "Print the services" },
      { name: "user", help: "Those of the user's own systemd (as for anybody but root)" },
      { name: "from", value: "DIR", help: "Look for unit files there instead" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const { env, home } = caller();
    const uid = process.geteuid?.() ?? 0;
    const isOfUser = flags.isOn("user") || uid !== 0;
    const from = flags.list("from").map((path) => resolve(caller().path(path)));
    const directories = from.length > 0 ? from : unitDirectories({ isOfUser, uid, home, env });
    const { services, problems } = makeServices(findUnitFiles(directories), {
      program: resolve(packageDirectory(), "bin/orlop"),
      environment: unitEnvironment(env),
      isOfUser,
    });
    for (const problem of problems) printError(problem);
    if (flags.isOn("dryrun")) {
      for (const { name, text } of services) printText(`---${name}---\n${text}\n`);
    } else writeServices(outputDirectory(flags), services);
    return problems.length === 0 ? 0 : 1;
  },
};

/** Systemd calls its generators with three directories, of which the first is for what is neither early nor late. */
function outputDirectory({ positional }: ParsedFlags): string {
  const [directory] = positional;
  if (directory !== undefined && (positional.length === 1 || positional.length === 3)) {
    return resolve(caller().path(directory));
  }
  throw new OrlopError("invalid", `one directory is taken, or --dryrun, and there are ${positional.length}`);
}
