import type { ExitStatus, WaitOptions } from "@orlop/core";
import { type Report, readOomEvents } from "@orlop/kernel";
import { abortable } from "./abortable.ts";
import type { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";
import { exitStatus } from "./exit-status.ts";
import type { FollowedProgram } from "./followed-program.ts";
import { outOfMemory } from "./out-of-memory.ts";
import type { OwnExecs } from "./own-execs.ts";

/** What this process has started itself, and hears of. */
interface Heard {
  readonly init: FollowedProgram | undefined;
  readonly execs: OwnExecs;
  /** Of the container, where it is known. */
  readonly record: ContainerRecord | undefined;
  /** Takes what need not be done when somebody waits for it; absent: it is done when that has gone on. */
  readonly afterwards?: ((work: () => void) => void) | undefined;
}

/** Waits for the end of a container's init or of an exec, whoever has started it. @throws OrlopError */
export async function awaitExit(
  container: ContainerDirectory,
  id: string,
  { execId, signal }: WaitOptions,
  heard: Heard,
): Promise<ExitStatus> {
  const report = await (execId === undefined
    ? exitOfInit(container, id, heard.init, signal)
    : exitOfExec(container, { id, execId }, heard, signal));
  const killedSoFar = execId !== undefined && hasKilled(container, id, heard.record);
  return exitStatus(report, killedSoFar || outOfMemory(container.path));
}

/** What the reaper keeps of it is there when the container has ended, and its cgroups until then. */
function hasKilled(container: ContainerDirectory, id: string, known: ContainerRecord | undefined): boolean {
  try {
    const { cgroups } = known ?? container.record(id);
    return (readOomEvents(cgroups)?.kills ?? 0n) > 0n;
  } catch {
    // The container has been deleted meanwhile.
    return false;
  }
}

/** What has been heard is not looked up; what is yet to be heard may be there to read. */
async function exitOfInit(
  directory: ContainerDirectory,
  id: string,
  followed: FollowedProgram | undefined,
  signal: AbortSignal | undefined,
): Promise<Report> {
  if (followed?.exitedCleanly === true) return await followed.exited.promise;
  if (followed === undefined) directory.record(id);
  const known = directory.exit();
  if (known !== undefined) return known;
  return await (followed === undefined ? directory.waitForExit(signal) : abortable(followed.exited.promise, signal));
}

async function exitOfExec(
  container: ContainerDirectory,
  { id, execId }: { readonly id: string; readonly execId: string },
  { execs, afterwards = soon }: Pick<Heard, "execs" | "afterwards">,
  signal: AbortSignal | undefined,
): Promise<Report> {
  const directory = container.exec(execId);
  const exited = execs.exited(directory);
  if (exited === undefined) {
    container.record(id);
    container.knownExec(execId);
  }
  const heard = exited && (await abortable(exited, signal));
  if (heard !== undefined) {
    // It says no more than which one is forgotten first.
    afterwards(() => directory.collect());
    return heard;
  }
  const report = directory.exit() ?? (await directory.waitForExit(signal));
  directory.collect();
  return report;
}

function soon(work: () => void): void {
  setImmediate(() => {
    try {
      work();
    } catch {
      // Who waited has been told what there was to tell.
    }
  });
}
