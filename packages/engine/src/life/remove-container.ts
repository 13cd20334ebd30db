import { rmSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { containerDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import { Volumes } from "../volumes.ts";
import { containerEvent } from "./container-event.ts";
import { disconnectNetworks } from "./container-networks.ts";
import { isActive, statusAfter } from "./container-status.ts";
import { save } from "./settle-container.ts";
import { releaseSharedMemory } from "./shared-memory.ts";
import { stopContainer } from "./stop-container.ts";
import { noteUnmade } from "./sweep-unmade.ts";

export interface RemoveOptions {
  /** One that runs is killed first. */
  readonly force?: boolean;
  /** Volumes that were made for it alone, without a name, go too; always with one that is to be gone with its end. */
  readonly volumes?: boolean;
  /** Those that require it go first. */
  readonly dependents?: boolean;
}

/** Removes a container and all that it has written. The caller holds its lock. */
export async function removeContainer(
  context: EngineContext,
  container: Container,
  options: RemoveOptions,
): Promise<Container> {
  if (isActive(container.state.status)) refuseRunning(container, options);
  const ended = isActive(container.state.status)
    ? await stopContainer(context, container, { timeoutMs: 0, isRemoval: true })
    : container;
  const { id, name, state, root } = ended;
  const removing = save(context, ended, undefined, { ...state, status: statusAfter("remove", state.status, name) });
  // Of a start that failed so that it could not be taken back.
  await disconnectNetworks(context, ended);
  await releaseSharedMemory(context, ended);
  // Of what has no directory and no row any more there is its lock, until the caller lets go of that.
  noteUnmade(context, id);
  await context.roots.remove(root);
  rmSync(containerDirectory(context, id), { recursive: true, force: true });
  context.database.transaction(() => {
    context.rows.delete(id);
    context.podRows.removeMember(id);
    context.events.add(containerEvent(removing, "destroy"));
  });
  if (options.volumes === true || ended.autoRemove) await removeAnonymous(context, ended);
  return removing;
}

async function removeAnonymous(context: EngineContext, { volumes }: Container): Promise<void> {
  const all = new Volumes(context);
  for (const { name, isAnonymous } of volumes) {
    if (!isAnonymous || all.find(name) === undefined || all.users(name).length > 0) continue;
    await all.remove(name);
  }
}

/** @throws OrlopError `conflict`, in docker's words */
export function refuseRunning({ id, name, state }: Container, { force = false }: RemoveOptions): void {
  if (force) return;
  const way = state.status === "paused" ? "unpause and then stop" : "stop";
  throw new OrlopError(
    "conflict",
    `Cannot remove container "${name}": container ${id} is ${state.status}: ${way} the container before removing or force remove`,
  );
}
