import { OrlopError } from "@orlop/core";
import type { Command } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { exitCodeOf } from "./exit-code.ts";
import { parseFlags } from "./flags/parse-flags.ts";
import { printError, printText } from "./print.ts";

/**
 * Runs one command line (without the program's name) in this process and resolves with its exit code. Results go to
 * standard output, everything else to standard error.
 */
export async function commandLine(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return await help(rest[0]);
  if (name === "--version" || name === "-v") return await execute("version", ["--short"]);
  return await execute(name, rest);
}

async function help(name: string | undefined): Promise<number> {
  const { commandHelp, overallHelp } = await import("./help.ts");
  if (name === undefined) {
    printText(overallHelp());
    return 0;
  }
  const command = await load(name);
  if (command === undefined) return unknownCommand(name);
  printText(commandHelp(command));
  return 0;
}

async function execute(name: string, args: readonly string[]): Promise<number> {
  const command = await load(name);
  if (command === undefined) return unknownCommand(name);
  try {
    const flags = parseFlags(command.table, args);
    if (flags.isHelpWanted) return await help(name);
    return await command.run(flags);
  } catch (error) {
    return await report(command, error);
  }
}

async function load(name: string): Promise<Command | undefined> {
  return await COMMANDS.find((entry) => entry.name === name)?.load();
}

function unknownCommand(name: string): number {
  printError(`unknown command: orlop ${name}\n\nRun 'orlop --help' for more information`);
  return 1;
}

async function report(command: Command, error: unknown): Promise<number> {
  const { asSystemFailure } = await import("@orlop/kernel");
  const failure = error instanceof OrlopError ? error : asSystemFailure(error);
  if (failure === undefined) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    printError(`This should not have happened: ${text}\nTry reporting it with the command line that led here.`);
    return command.failureExitCode;
  }
  printError(`${failure.message}${hint(command, failure)}`);
  return exitCodeOf(failure, command.failureExitCode);
}

/** What a user can do next, where the message does not say. */
function hint(command: Command, { code, operation, field, errno }: OrlopError): string {
  const isBadCommandLine = code === "invalid" && operation === undefined && field === undefined;
  if (isBadCommandLine) return `\n\nRun 'orlop ${command.name} --help' for more information`;
  const isRefusedNamespace = (errno === "EPERM" || errno === "ENOSPC") && field === "linux.namespaces";
  return isRefusedNamespace ? "\nTry orlop doctor, which tells what this machine lacks." : "";
}
