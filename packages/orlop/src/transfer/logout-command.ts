import { credentialFiles, eraseCredential } from "@orlop/image/registry";
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
  examples: [["orlop logout registry.example", "of one registry"]],
  table: {
    flags: [AUTHFILE_FLAG],
    refused: [{ name: "all", short: "a", isSwitch: true, reason: "name the registries" }],
  },
  failureExitCode: 1,
  async run(flags) {
    const registry = parseServer(flags.positional);
    let isErased = false;
    for (const file of credentialFiles(authFileOption(flags))) {
      isErased = (await eraseCredential(file, registry)) || isErased;
    }
    printText(isErased ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`);
    return 0;
  },
};
