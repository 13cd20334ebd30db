import type { ContainerDirectory } from "./container-directory.ts";
import { type HookRunner, runHooksAtStop } from "./container-hooks.ts";
import type { ContainerRecord } from "./container-record.ts";
import { keptRequest } from "./kept-request.ts";
import { WORD } from "./supervision.ts";

/**
 * After the command to start, of a container that another process made: runs the hooks of the start, for the maker may
 * be gone, and resolves when the program has been executed.
 */
export async function awaitForeignStart(
  runner: HookRunner,
  directory: ContainerDirectory,
  record: ContainerRecord,
): Promise<void> {
  if ((await directory.waitForStart(record)) === "started") return;
  const request = keptRequest(directory.path, record);
  const pid = directory.created()?.value ?? 0;
  if (request !== undefined) await runHooksAtStop(runner, directory, request, WORD.starting, pid);
  directory.command("start");
  await directory.waitForStart(record, true);
}
