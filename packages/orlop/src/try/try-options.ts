import { OrlopError } from "@orlop/core";
import type { ChangesFormat } from "../commit/changes-text.ts";
import type { FlagTable } from "../flags/flag.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import type { MachineView } from "../run/machine-view.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { type RunOptions, readRunOptions } from "../run/run-options.ts";

/** Flags of run that mean the same here. */
const OF_RUN = ["env", "env-file", "workdir", "memory", "cpus", "pids-limit"] as const;

export const TRY_FLAGS: FlagTable = {
  flags: [
    { name: "commit", help: "Write the changes to this machine's files if the command succeeds" },
    { name: "discard", help: "Throw the changes away without asking" },
    { name: "keep", help: "Keep the changes for orlop capture" },
    { name: "format", value: "text|json", help: "How to print the changes (text)" },
    { name: "output", short: "o", value: "FILE", help: "Write the changes to a file instead of standard error" },
    { name: "network", aliases: ["net"], value: "host|none", help: "Network of this machine, or none (host)" },
    ...RUN_FLAGS.flags.filter(({ name }) => OF_RUN.some((each) => each === name)).map(({ group: _, ...flag }) => flag),
  ],
};

/** What becomes of the changes; `ask` whoever sits at the terminal. */
export type Outcome = "commit" | "discard" | "keep" | "ask";

export interface TryOptions {
  readonly command: readonly string[];
  readonly outcome: Outcome;
  readonly format: ChangesFormat;
  readonly output: string | undefined;
  readonly run: RunOptions;
}

export interface Terminals {
  /** The command has one: standard input and output are. */
  readonly command: boolean;
  /** Somebody can be asked: standard input and error are. */
  readonly question: boolean;
}

/** @throws OrlopError */
export function readTryOptions(flags: ParsedFlags, machine: MachineView, terminals: Terminals): TryOptions {
  const command = flags.positional;
  if (command.length === 0) throw new OrlopError("invalid", "a command is required");
  const chosen = (["commit", "discard", "keep"] as const).filter((name) => flags.isOn(name));
  if (chosen.length > 1) {
    throw new OrlopError("invalid", `it is one of --commit, --discard and --keep, and not --${chosen.join(" and --")}`);
  }
  return {
    command,
    outcome: chosen[0] ?? (terminals.question ? "ask" : "discard"),
    format: flags.parse("format", parseChangesFormat) ?? "text",
    output: flags.text("output"),
    run: runOptions(flags, machine, terminals),
  };
}

/** @throws OrlopError `invalid` */
export function parseChangesFormat(text: string): ChangesFormat {
  if (text === "text" || text === "json") return text;
  throw new OrlopError("invalid", "there are text and json");
}

function parseNetwork(text: string): string {
  if (text === "host" || text === "none") return text;
  throw new OrlopError("unsupported", "there are host and none");
}

/** What `run` would be told: the command is the caller's own, in the caller's directory and environment. */
function runOptions(flags: ParsedFlags, machine: MachineView, terminals: Terminals): RunOptions {
  const { uid, gid, cwd, hostname, rootless } = machine;
  const network = flags.parse("network", parseNetwork) ?? "host";
  const groups = rootless ? [] : (process.getgroups?.() ?? []).filter((group) => group !== gid);
  const words = [
    "--rm",
    "--interactive",
    ...(terminals.command ? ["--tty"] : []),
    `--network=${network}`,
    `--user=${uid}:${gid}`,
    ...groups.map((group) => `--group-add=${group}`),
    ...(flags.has("workdir") ? [] : [`--workdir=${cwd}`]),
    ...OF_RUN.flatMap((name) => flags.list(name).map((value) => `--${name}=${value}`)),
  ];
  const options = readRunOptions(parseFlags(RUN_FLAGS, [...words, "host", "--", ...flags.positional]), machine);
  const variables = Object.entries(machine.env).map(([name, value]) => ({ name, value }));
  return {
    ...options,
    hostname: network === "none" ? hostname : options.hostname,
    variables: [...variables, ...options.variables],
    asCaller: true,
  };
}
