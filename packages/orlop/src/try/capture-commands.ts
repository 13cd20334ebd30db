import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { changesText } from "../commit/changes-text.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { humanDuration } from "../format/human-duration.ts";
import { OutputFormat } from "../format/output-format.ts";
import { type Struct, structOf } from "../format/template/value.ts";
import { FORMAT_HELP } from "../images/images-command.ts";
import { printText } from "../print.ts";
import { removeTree } from "../run/own-directory.ts";
import { findCapture, type KeptCapture, listCaptures, openWrites } from "./capture.ts";
import { commitCapture } from "./settle-capture.ts";
import { parseChangesFormat } from "./try-options.ts";

const HEADINGS = { ID: "CAPTURE ID", Command: "COMMAND", CreatedSince: "CREATED", Directory: "DIRECTORY" } as const;

export const captureListCommand: Command = {
  name: "ls",
  usage: "[OPTIONS]",
  description: "Lists the changes that orlop try has kept, the oldest first.",
  examples: [["orlop capture ls", "what there is to commit or to remove"]],
  table: {
    flags: [
      { name: "format", value: "FORMAT", help: FORMAT_HELP },
      { name: "quiet", short: "q", help: "Only ids" },
    ],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length > 0) throw wrongCount(flags, "no words are");
    const given = flags.text("format") || "table";
    const text = given === "table" && flags.isOn("quiet") ? "{{.ID}}" : given;
    const format = new OutputFormat(text, "{{.ID}}\t{{.Command}}\t{{.CreatedSince}}");
    printText(format.text(listCaptures().map(captureRow), HEADINGS));
    return 0;
  },
};

function captureRow({ id, command, startedAtMs, directory }: KeptCapture): Struct {
  return structOf({
    ID: id,
    Command: JSON.stringify(command.join(" ")),
    CreatedSince: `${humanDuration(Date.now() - startedAtMs)} ago`,
    Directory: directory,
  });
}

export const captureDiffCommand: Command = {
  name: "diff",
  usage: "[OPTIONS] CAPTURE",
  description:
    "Lists changes that orlop try has kept, beside this machine's files as they are now: A for what they add, C for what they " +
    "change, also directories with changes in them, and D for what they delete.\n\nCAPTURE is an id, or the beginning of one.",
  examples: [["orlop capture diff 3f", "what would be written"]],
  table: {
    flags: [{ name: "format", value: "text|json", help: "How to print them (text); json as podman has it" }],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const format = flags.parse("format", parseChangesFormat) ?? "text";
    using writes = openWrites(oneCapture(flags));
    printText(changesText(await writes.list(), format));
    return 0;
  },
};

export const captureCommitCommand: Command = {
  name: "commit",
  usage: "[OPTIONS] CAPTURE",
  description:
    "Writes changes that orlop try has kept to this machine's files, and forgets them then. Nothing is written where a file that " +
    "they change or delete has been changed since by others, unless with --force.\n\nCAPTURE is an id, or the beginning of one.",
  examples: [["orlop capture commit 3f", "the changes are made"]],
  table: {
    flags: [{ name: "force", short: "f", help: "Write over what has changed since, too" }],
    flagsAnywhere: true,
  },
  failureExitCode: 1,
  async run(flags) {
    const capture = oneCapture(flags);
    await commitCapture(capture, { overwrites: flags.isOn("force") });
    removeTree(capture.directory);
    return 0;
  },
};

export const captureRemoveCommand: Command = {
  name: "rm",
  usage: "CAPTURE...",
  description: "Throws changes away that orlop try has kept.\n\nCAPTURE is an id, or the beginning of one.",
  examples: [["orlop capture rm $(orlop capture ls -q)", "all of them"]],
  table: { flags: [], flagsAnywhere: true },
  failureExitCode: 1,
  async run(flags) {
    if (flags.positional.length === 0) throw wrongCount(flags, "at least one capture is");
    for (const { id, directory } of flags.positional.map(findCapture)) {
      removeTree(directory);
      printText(`${id}\n`);
    }
    return 0;
  },
};

function oneCapture(flags: ParsedFlags): KeptCapture {
  const [text, ...others] = flags.positional;
  if (text === undefined || others.length > 0) throw wrongCount(flags, "one capture is");
  return findCapture(text);
}

function wrongCount({ positional }: ParsedFlags, taken: string): OrlopError {
  return new OrlopError("invalid", `${taken} taken, and there are ${positional.length}`);
}
