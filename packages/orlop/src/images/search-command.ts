import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";

/** Docker's flags: who calls it with them is told the same. */
const FLAGS = [
  { name: "filter", short: "f", value: "NAME=VALUE", help: "Nothing is searched" },
  { name: "format", value: "FORMAT", help: "Nothing is searched" },
  { name: "limit", value: "NUMBER", help: "Nothing is searched" },
  { name: "no-trunc", help: "Nothing is searched" },
  { name: "authfile", value: "FILE", help: "Nothing is searched" },
  { name: "compatible", help: "Nothing is searched" },
  { name: "list-tags", help: "Nothing is searched" },
  { name: "tls-verify", help: "Nothing is searched" },
] as const;

export const searchCommand: Command = {
  name: "search",
  usage: "[OPTIONS] TERM",
  description:
    "Is refused: registries have no common way to be searched (the distribution-spec has none), and none is asked behind " +
    "one's back. Look on the web page of the registry, and pull by the full name.",
  examples: [["orlop pull registry.example/app:1.2", "a name in full"]],
  table: { flags: FLAGS, flagsAnywhere: true },
  failureExitCode: 1,
  async run({ positional }) {
    throw new OrlopError(
      "unsupported",
      `Cannot search for image ${JSON.stringify(positional[0] ?? "")}: registries have no common way to be searched\n` +
        "Try the web page of the registry (https://hub.docker.com/search), and orlop pull with the full name.",
    );
  },
};
