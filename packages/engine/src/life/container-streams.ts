import { closeSync, constants, mkdirSync, openSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Stdio } from "@orlop/core";
import { isMarkAlive, processMark } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import { outputFile, streamsDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";

/** Of output that is not kept, those who are attached get to see at least the last so much. */
const PASSING = { maxSizeBytes: 1024 * 1024, maxFiles: 2 } as const;

/** What the run reads from and writes to; a log takes its output from there. */
export async function openStreams(context: EngineContext, container: Container, directory: string): Promise<Stdio> {
  const { log, interactive, terminal } = container;
  if (log.driver === "passthrough") {
    return { stdin: interactive ? "inherit" : "null", stdout: "inherit", stderr: "inherit" };
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await startPump(context, container, directory, false);
  const stream = (name: string): { readonly path: string } => ({ path: join(directory, name) });
  return {
    stdin: interactive ? stream("stdin") : "null",
    stdout: stream("stdout"),
    stderr: terminal ? "null" : stream("stderr"),
  };
}

/** A link to nowhere, which names the process that writes the log down: one call reads it, and lists read many. */
const PUMP_LINK = "pump";

async function startPump(
  context: EngineContext,
  container: Container,
  directory: string,
  resume: boolean,
): Promise<void> {
  const { log, interactive, terminal } = container;
  const { maxSizeBytes, maxFiles } = log.driver === "file" ? log : PASSING;
  const { pid } = await context.logs.start({
    directory,
    stdin: interactive,
    terminal,
    file: outputFile(context, container),
    resume,
    ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }),
    ...(maxFiles === undefined ? {} : { maxFiles }),
  });
  const link = join(directory, PUMP_LINK);
  rmSync(link, { force: true });
  const mark = markIfAlive(pid);
  if (mark !== undefined) symlinkSync(mark, link);
}

/** Undefined when it has been killed already: whoever comes next starts another. */
function markIfAlive(pid: number): string | undefined {
  try {
    return processMark(pid);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Has somebody write the log of a container that runs, where who did so was killed: until then its output waits. */
export async function resumeStreams(context: EngineContext, container: Container): Promise<void> {
  if (container.log.driver === "passthrough") return;
  const directory = streamsDirectory(context, container.id);
  if (isMarkAlive(pumpMark(directory))) return;
  await startPump(context, container, directory, true);
}

/** Empty where there is none: of a process that was killed before it was noted, which the next one replaces. */
export function pumpMark(streams: string): string {
  try {
    return readlinkSync(join(streams, PUMP_LINK));
  } catch (error) {
    // EINVAL: of an older orlop, which kept it in a file.
    if (["ENOENT", "EINVAL"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

/** Of a run that did not come about: whoever reads from them sees their end. */
export function endStreams(directory: string): void {
  for (const name of ["stdout", "stderr"]) {
    try {
      closeSync(openSync(join(directory, name), constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
    } catch {
      // Nobody reads, or there is none.
    }
  }
}

/** That alone, so that a container which reads no more is noticed. */
export function openInput(streams: string): number | undefined {
  try {
    return openSync(join(streams, "stdin"), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // It has closed its input already, or ended.
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}
