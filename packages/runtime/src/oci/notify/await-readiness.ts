import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../call.ts";
import type { GlobalOptions } from "../global-options.ts";
import type { VerbContext } from "../verb.ts";
import { NOTIFY_DIRECTORY } from "./notify-mount.ts";

/** The socket of the service manager that started the caller and wants to hear from it: sd_notify(3). */
export function serviceManager({ env }: Call): string | undefined {
  return env.NOTIFY_SOCKET === "" ? undefined : env.NOTIFY_SOCKET;
}

/** What the container sees as the place of its socket. */
export function notifyDirectory({ root }: GlobalOptions, id: string): string {
  return join(root, id, NOTIFY_DIRECTORY);
}

/** A container that is about to start. */
interface StartingContainer {
  readonly id: string;
  readonly pid: number;
  /** What the service manager is to watch. */
  readonly mainPid: number;
}

/**
 * Where a service manager wants to hear from the container, begins to wait for its word; otherwise does nothing. Resolves
 * when the container may start; `done` resolves when there is nothing more to wait for.
 */
export async function awaitReadiness(
  { call, globals, log }: VerbContext,
  { id, pid, mainPid }: StartingContainer,
): Promise<{ readonly done: Promise<void> }> {
  const manager = serviceManager(call);
  const directory = notifyDirectory(globals, id);
  // A container that was created without one has nowhere to say it.
  if (manager === undefined || !existsSync(directory)) return { done: Promise.resolve() };
  const { startNotifier } = await import("./start-notifier.ts");
  const { done } = await startNotifier(call.hands, { directory, manager, container: pid, mainPid, sender: call.pid });
  // The container runs all the same.
  return { done: done.catch((error: unknown) => log.warn(error instanceof Error ? error.message : String(error))) };
}
