import { type ImageHealthcheck, OrlopError } from "@orlop/core";
import type { FlagTable } from "../flags/flag.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { readHealthOptions } from "../run/health-options.ts";

/** The flags of `run` that say the same, by those of a Dockerfile's instruction. */
const RUN_NAMES: Readonly<Record<string, string>> = {
  interval: "health-interval",
  timeout: "health-timeout",
  "start-period": "health-start-period",
  "start-interval": "health-start-interval",
  retries: "health-retries",
};

const TABLE: FlagTable = {
  flags: [
    ...Object.entries(RUN_NAMES).map(([alias, name]) => ({ name, aliases: [alias], value: "VALUE", help: "" })),
    { name: "health-cmd", value: "VALUE", help: "" },
    { name: "no-healthcheck", help: "" },
  ],
};

/** `NONE`, or flags and `CMD` with a line for the shell or a list in JSON. @throws OrlopError `invalid` */
export function parseHealthInstruction(text: string): ImageHealthcheck {
  if (text.trim().toUpperCase() === "NONE") return { Test: ["NONE"] };
  const [, flags = "", kind = "", command = ""] = /^((?:--\S+\s+)*)(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (kind.toUpperCase() !== "CMD" || command === "") {
    throw new OrlopError("invalid", `Cannot use change "HEALTHCHECK ${text}": it is NONE, or CMD and a command`);
  }
  const said = readHealthOptions(
    parseFlags(
      TABLE,
      flags.split(/\s+/).filter((word) => word !== ""),
    ),
  );
  return { ...said, Test: testOf(command) };
}

function testOf(command: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(command);
    if (Array.isArray(list) && list.every((word) => typeof word === "string")) return ["CMD", ...list];
  } catch {
    // A line for the shell.
  }
  return ["CMD-SHELL", command];
}
