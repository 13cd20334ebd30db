import { OrlopError } from "@orlop/core";
import { caller } from "./caller/caller.ts";
import { NotHere } from "./caller/not-here.ts";
import type { Command } from "./command.ts";
import { exitCodeOf } from "./exit-code.ts";
import { findCommand, type NamedCommand, spellingsOf } from "./find-command.ts";
import { parseFlags } from "./flags/parse-flags.ts";
import { printError, printText } from "./print.ts";

/**
 * Runs one command line (without the program's name) in this process and resolves with its exit code. Results go to
 * standard output, everything else to standard error.
 */
export async function commandLine(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return await help(rest);
  if (name === "--version" || name === "-v") return await execute(["version", "--short"]);
  return await execute(args);
}

async function help(words: readonly string[]): Promise<number> {
  const { commandHelp, groupHelp, overallHelp } = await import("./help.ts");
  const found = words.length === 0 ? undefined : findCommand(words);
  switch (found?.kind) {
    case undefined:
      printText(overallHelp());
      return 0;
    case "group":
      printText(groupHelp(found.group));
      return 0;
    case "unknown":
      return await unknownCommand(found);
    case "command":
      printText(commandHelp(await found.entry.load(), found.path, spellingsOf(found.entry)));
      return 0;
  }
}

async function execute(words: readonly string[]): Promise<number> {
  const found = findCommand(words);
  if (found.kind !== "command") return await help(words);
  const command = await found.entry.load();
  try {
    const flags = parseFlags(command.table, found.rest);
    if (flags.isHelpWanted) return await help(found.path.split(" "));
    if (command.startsProcesses && process.geteuid?.() !== 0) {
      const { enterOwnCgroup } = await import("./run/enter-own-cgroup.ts");
      await enterOwnCgroup(caller().pid, caller().env);
    }
    return await command.run(flags);
  } catch (error) {
    return await report(found.path, command, error);
  }
}

async function unknownCommand({ path, group }: Extract<NamedCommand, { kind: "unknown" }>): Promise<number> {
  const { whyAbsent } = await import("./absent-commands.ts");
  const why = whyAbsent(path);
  if (why !== undefined) {
    printError(`There is no "orlop ${path}": ${why}`);
    return 1;
  }
  const more = group === undefined ? "orlop" : `orlop ${group}`;
  printError(`unknown command: orlop ${path}\n\nRun '${more} --help' for more information`);
  return 1;
}

async function report(path: string, command: Command, thrown: unknown): Promise<number> {
  const error = firstFailure(thrown);
  if (error instanceof NotHere) throw error;
  const { asSystemFailure } = await import("@orlop/kernel");
  const failure = error instanceof OrlopError ? error : asSystemFailure(error);
  if (failure === undefined) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    printError(`This should not have happened: ${text}\nTry reporting it with the command line that led here.`);
    return command.failureExitCode;
  }
  printError(`${failure.message}${hint(path, failure)}`);
  return exitCodeOf(failure, command.failureExitCode);
}

/** Where something could not be taken back either, what went wrong first is what there is to say. */
function firstFailure(error: unknown): unknown {
  return error instanceof SuppressedError ? firstFailure(error.suppressed) : error;
}

/** What a user can do next, where the message does not say. */
function hint(path: string, { code, operation, field, errno }: OrlopError): string {
  const isBadCommandLine = code === "invalid" && operation === undefined && field === undefined;
  if (isBadCommandLine) return `\n\nRun 'orlop ${path} --help' for more information`;
  const isRefusedNamespace = (errno === "EPERM" || errno === "ENOSPC") && field === "linux.namespaces";
  return isRefusedNamespace ? "\nTry orlop doctor, which tells what this machine lacks." : "";
}
