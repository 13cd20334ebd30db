import { spawn } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { text } from "node:stream/consumers";
import { OrlopError } from "@orlop/core";
import { findProgram } from "@orlop/kernel";
import { SideProcesses } from "../configured/side-processes.ts";

/** It is ready in a twentieth of a second, or tells why not. */
const START_MAX_MS = 20_000;

/**
 * The program goes on in the background when it is ready, and says under which number; it keeps the pipe. It is this shell that
 * writes that down: so it is written also where whoever has started it was killed, and where AppArmor lets pasta write to a few
 * directories only (/etc/apparmor.d/usr.bin.passt of Debian).
 */
const START = '"$@" --pid /dev/stdout | { read -r pid && echo "$pid" > "$0"; }';

/** Processes of pasta(1), each called by a name that tells its key. */
export class PastaProcesses extends SideProcesses {
  /** Starts one, which goes on when this process ends. Gives its complaint where it does not want to. */
  async start(key: string, args: readonly string[]): Promise<string | undefined> {
    const program = findProgram("pasta");
    if (program === undefined) {
      const wayOut = "Try to install it: the package passt of Debian, Ubuntu, Fedora and others has it.";
      throw new OrlopError("unsupported", `Cannot start pasta: there is no such program\n${wayOut}`);
    }
    const name = this.file(key, "pasta");
    rmSync(name, { force: true });
    symlinkSync(program, name);
    const child = spawn("sh", ["-c", START, this.file(key, "pid"), name, ...args], {
      // A signal of the terminal's would end the shell alone.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      cwd: "/",
    });
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, START_MAX_MS);
    const said = text(child.stderr);
    child.on("error", (error) => resolve(error.message));
    child.on("exit", async (code, signal) => {
      if (code === 0) return resolve(undefined);
      resolve(lastLine(await said) || (signal ?? `it ends with ${code}`));
    });
    const complaint = await promise;
    clearTimeout(timer);
    if (complaint !== undefined) rmSync(name, { force: true });
    return complaint;
  }
}

/** Without what it says of a log of the system that it does not find. */
function lastLine(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "" && !line.endsWith("to syslog"));
  return lines.at(-1)?.trim() ?? "";
}
