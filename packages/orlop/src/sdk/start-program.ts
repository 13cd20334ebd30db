import { closeSync } from "node:fs";
import { constants } from "node:os";
import { OrlopError, type Process, type Runtime } from "@orlop/core";
import { endTree } from "./end-tree.ts";
import type { SandboxHost } from "./sandbox-host.ts";
import { type StartedProgram, signalName } from "./sandbox-process.ts";

interface ProgramPlace {
  /** Of the sandbox, and of its init. */
  readonly id: string;
  readonly pid: number;
  readonly execId: string;
  readonly program: Process;
  /** It has a standard input. */
  readonly reads: boolean;
}

interface ProgramStarter {
  readonly host: SandboxHost;
  readonly runtime: Runtime;
}

/** Starts a program in a sandbox, with pipes that programs can open again by name. @throws OrlopError */
export async function startProgram(
  { host, runtime }: ProgramStarter,
  { id, pid: init, execId, program, reads }: ProgramPlace,
): Promise<StartedProgram> {
  const [stdout, stderr, stdin] = await host.pipes.take(reads ? 3 : 2);
  if (stdout === undefined || stderr === undefined) throw new Error("as many pipes as asked for");
  const theirs = [stdout.writer, stderr.writer, ...(stdin === undefined ? [] : [stdin.reader])];
  const ours = [stdout.reader, stderr.reader, ...(stdin === undefined ? [] : [stdin.writer])];
  let pid: number | undefined;
  try {
    const stdio = {
      stdin: stdin === undefined ? ("null" as const) : { fd: stdin.reader },
      stdout: { fd: stdout.writer },
      stderr: { fd: stderr.writer },
    };
    ({ pid } = await runtime.exec({ id, execId, process: program, stdio }));
  } catch (error) {
    for (const fd of ours) closeSync(fd);
    throw error;
  } finally {
    for (const fd of theirs) closeSync(fd);
  }
  const signal = (number: number): Promise<void> => runtime.signal(id, number, { execId });
  return {
    stdout: stdout.reader,
    stderr: stderr.reader,
    stdin: stdin?.writer,
    async wait() {
      const status = await runtime.wait(id, { execId });
      const { exitCode, oomKilled } = status;
      return { exitCode, oomKilled, signal: signalName(status.signal) };
    },
    signal,
    async end() {
      if (pid !== undefined) endTree(pid, init);
      await signal(constants.signals.SIGKILL).catch(ignoreEnded);
    },
  };
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof OrlopError) || !["conflict", "not-found"].includes(error.code)) throw error;
}
