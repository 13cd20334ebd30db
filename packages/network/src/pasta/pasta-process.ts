import { execFile } from "node:child_process";
import { OrlopError } from "@orlop/core";
import { findProgram } from "@orlop/kernel";
import { SideProcesses } from "../configured/side-processes.ts";

/** It is ready in a twentieth of a second, or tells why not. */
const START_MAX_MS = 20_000;

/** Processes of pasta(1), which writes its id into a file itself. */
export class PastaProcesses extends SideProcesses {
  /** Starts one, which goes on when this process ends. Gives its complaint where it does not want to. */
  async start(key: string, args: readonly string[]): Promise<string | undefined> {
    const program = findProgram("pasta");
    if (program === undefined) {
      const wayOut = "Try to install it: the package passt of Debian, Ubuntu, Fedora and others has it.";
      throw new OrlopError("unsupported", `Cannot start pasta: there is no such program\n${wayOut}`);
    }
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    execFile(program, [...args, "--pid", this.file(key, "pid")], { timeout: START_MAX_MS }, (error, _, complaint) => {
      resolve(error === null ? undefined : lastLine(complaint) || error.message);
    });
    return await promise;
  }
}

/** Without what it says of a log of the system that it does not find. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.endsWith("to syslog"));
  return lines.at(-1)?.trim() ?? "";
}
