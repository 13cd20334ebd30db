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
  /** What the service manager is to watch; absent: what it watches. */
  readonly mainPid?: number;
}

/**
 * Where a service manager wants to hear from the container, begins to wait for its word; otherwise does nothing. Resolves
 * when the container may start; `done` resolves when there is nothing more to wait for.
 */
export async function awaitReadiness(
  { call, globals, log }: VerbContext,
  { id, pid, ...watched }: StartingContainer,
): Promise<{ readonly done: Promise<void> }> {
  const manager = serviceManager(call);
  const directory = notifyDirectory(globals, id);
  // A container that was created without one has nowhere to say it.
  if (manager === undefined || !existsSync(directory)) return { done: Promise.resolve() };
  // The container runs all the same: the manager may have gone, or never have been there.
  const warn = (error: unknown): void => log.warn(error instanceof Error ? error.message : String(error));
  const { startNotifier } = await import("./start-notifier.ts");
  try {
    const plan = { directory, manager, container: pid, sender: call.pid, ...watched };
    const { done } = await startNotifier(call.hands, plan);
    return { done: done.catch(warn) };
  } catch (error) {
    warn(error);
    return { done: Promise.resolve() };
  }
}
