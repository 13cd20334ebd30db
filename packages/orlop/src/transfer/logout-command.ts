import { OrlopError } from "@orlop/core";
import { credentialFiles, eraseAllCredentials, eraseCredential } from "@orlop/image/registry";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { authFileOption } from "./login-command.ts";
import { AUTHFILE_FLAG } from "./registry-flags.ts";
import { parseServer } from "./registry-server.ts";

export const logoutCommand: Command = {
  name: "logout",
  usage: "[OPTIONS] [SERVER]",
  description:
    "Forgets the credentials that are kept for a registry, in docker's config.json, in the auth.json of podman, and with " +
    "the credential helpers that these name.\n\nSERVER is the registry's name, docker.io without one.",
  examples: [
    ["orlop logout registry.example", "of one registry"],
    ["orlop logout --all", "of all of them"],
  ],
  table: {
    flagsAnywhere: true,
    flags: [{ name: "all", short: "a", help: "Forget what is kept for every registry" }, AUTHFILE_FLAG],
  },
  failureExitCode: 1,
  async run(flags) {
    const files = credentialFiles(authFileOption(flags));
    if (flags.isOn("all")) {
      if (flags.positional.length > 0) throw new OrlopError("invalid", "--all goes with no server");
      return await forgetAll(files);
    }
    const registry = parseServer(flags.positional, "log out of");
    let isErased = false;
    for (const file of files) isErased = (await eraseCredential(file, registry)) || isErased;
    printText(isErased ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`);
    return 0;
  },
};

async function forgetAll(files: readonly string[]): Promise<number> {
  const erased = new Set<string>();
  for (const file of files) for (const scope of await eraseAllCredentials(file)) erased.add(scope);
  const lines = [...erased].map((scope) => `Removing login credentials for ${scope}\n`);
  printText(lines.length === 0 ? "Not logged in to any registry\n" : lines.join(""));
  return 0;
}
