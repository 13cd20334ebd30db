import type { Hooks, State } from "@orlop/core";
import type { ContainerDirectory } from "./container-directory.ts";
import { stateOf } from "./container-status.ts";
import { runHooks } from "./hooks.ts";
import type { HookedContainer } from "./kept-request.ts";
import type { ZygoteLike } from "./own-zygote.ts";
import { runStartHooks } from "./start-hooks.ts";
import { type HostView, WORD } from "./supervision.ts";
import { type Warn, warnByProcess } from "./warn.ts";

/** What hooks are run with. */
export interface HookRunner {
  readonly zygote: ZygoteLike;
  readonly host: HostView;
  /** The environment of hooks that run on the host and have none of their own; absent: none. */
  readonly hookEnv?: readonly string[] | undefined;
  /** Hooks in the container's namespaces begin in the bundle, as with crun, and not in the root file system, as with runc. */
  readonly hooksInBundle?: boolean | undefined;
}

/** Runs the hooks of one kind, if the container has any; rejects with the first that fails. */
export async function runContainerHooks(
  { zygote, host, hookEnv = [], hooksInBundle: inBundle = false }: HookRunner,
  directory: ContainerDirectory,
  request: HookedContainer,
  kind: keyof Hooks,
  status: State["status"],
  pid: number | undefined,
): Promise<void> {
  const { spec } = request;
  if (spec.hooks?.[kind] === undefined) return;
  const state = stateOf(request, status, pid);
  const namespaces = (spec.linux?.namespaces ?? []).map(({ type }) => type);
  const { rootfs } = directory.record(request.id);
  const place = { directory: directory.path, rootfs, inBundle };
  const context = { zygote, host, hooks: spec.hooks, namespaces, state, hookEnv, ...place };
  await runHooks(context, kind);
}

/** Runs the hooks of the moment at which init has stopped and said `word`. */
export async function runHooksAtStop(
  runner: HookRunner,
  directory: ContainerDirectory,
  request: HookedContainer,
  word: number,
  pid: number,
): Promise<void> {
  if (word === WORD.starting) return runStartHooks(runner, directory, request, stateOf(request, "created", pid));
  const ofRuntime = ["prestart", "createRuntime"] as const;
  // What is in a restored container was made by those of its creation.
  for (const kind of word === WORD.restoring ? ofRuntime : ([...ofRuntime, "createContainer"] as const)) {
    await runContainerHooks(runner, directory, request, kind, "creating", pid);
  }
}

/** The container is gone whatever these hooks do: a failure is a warning (runtime-spec, "Lifecycle", step 13). */
export async function runPoststopHooks(
  runner: HookRunner,
  directory: ContainerDirectory,
  request: HookedContainer,
  warn: Warn = warnByProcess,
): Promise<void> {
  try {
    // Without a pid, which may be somebody else's by now.
    await runContainerHooks(runner, directory, request, "poststop", "stopped", undefined);
  } catch (error) {
    warn((error as Error).message);
  }
}
