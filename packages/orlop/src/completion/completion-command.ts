import { writeFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { completeWords } from "./complete-words.ts";
import { COMPLETION_SCRIPTS } from "./completion-scripts.ts";

export const completionCommand: Command = {
  name: "completion",
  usage: "bash|zsh|fish",
  description:
    "Prints a script for a shell, which completes commands, flags, and the names of containers, images, networks and volumes.",
  examples: [
    ["source <(orlop completion bash)", "in this shell, or in all of them from ~/.bashrc"],
    ["orlop completion fish > ~/.config/fish/completions/orlop.fish", "fish looks there by itself"],
  ],
  table: {
    flags: [{ name: "file", short: "f", value: "FILE", help: "Write it to this file (standard output)" }],
    refused: [
      { name: "no-desc", isSwitch: true, reason: "the shell asks for names each time; bash shows nothing else" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const { positional } = flags;
    const [shell = "", ...others] = positional;
    const script = COMPLETION_SCRIPTS.get(shell);
    if (script === undefined || others.length > 0) {
      const known = [...COMPLETION_SCRIPTS.keys()].join(", ");
      throw new OrlopError("invalid", `Cannot complete for shell ${JSON.stringify(shell)}: there are ${known}`);
    }
    const file = flags.text("file");
    if (file === undefined) printText(script);
    else writeFileSync(caller().path(file), script);
    return 0;
  },
};

/** What the scripts ask. */
export const completeCommand: Command = {
  name: "_complete",
  usage: "-- [WORD...]",
  description: "Prints what the last of the words behind orlop may become.",
  examples: [],
  table: { flags: [] },
  failureExitCode: 1,
  async run({ positional }) {
    const { namesOf } = await import("./names-of.ts");
    const found = await completeWords(positional, namesOf);
    printText(found.map(({ word, what }) => `${word}\t${what}\n`).join(""));
    return 0;
  },
};
