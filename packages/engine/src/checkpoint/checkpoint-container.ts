import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { statusAfter } from "../life/container-status.ts";
import { recordEnd, save, unlessLost } from "../life/settle-container.ts";
import type { Container } from "../state/container-rows.ts";
import { type CheckpointName, CheckpointPlace, logDirectory } from "./checkpoint-place.ts";

/** What a checkpoint and the restore from it are both told. */
export interface CheckpointChoices extends CheckpointName {
  readonly tcpEstablished?: boolean;
  readonly fileLocks?: boolean;
}

export interface CheckpointContainerOptions extends CheckpointChoices {
  readonly leaveRunning?: boolean;
  /** One of that name that is there already is no mistake. */
  readonly replace?: boolean;
}

/**
 * Saves the processes of a container that runs, which then has ended, unless it is to be left running. The caller holds its
 * lock.
 *
 * @throws OrlopError; the container goes on then, and an older checkpoint stays
 */
export async function checkpointContainer(
  context: EngineContext,
  container: Container,
  options: CheckpointContainerOptions,
): Promise<Container> {
  const { id, name, state } = container;
  statusAfter("checkpoint", state.status, name);
  refuseUnfit(container);
  const place = new CheckpointPlace(context, container, options);
  if (options.replace !== true && place.exists) {
    throw new OrlopError(
      "exists",
      `Cannot checkpoint container "${name}": there is a checkpoint "${options.name}" of it`,
    );
  }
  const { leaveRunning = false, tcpEstablished = false, fileLocks = false } = options;
  const runtime = await context.runtime(container.runtime);
  // Whoever finds it ended is not to start it again, as its policy may say.
  const asked = leaveRunning ? state : { ...state, isStoppedByUser: true };
  save(context, container, undefined, asked);
  const imagePath = place.begin();
  try {
    const workPath = logDirectory(context, id);
    await runtime.checkpoint(id, { imagePath, workPath, leaveRunning, tcpEstablished, fileLocks });
    place.finish(imagePath, state.endpoints);
  } catch (error) {
    place.discard(imagePath);
    save(context, container, undefined, state);
    throw error;
  }
  if (leaveRunning) return save(context, container, "checkpoint", state);
  const exit = await unlessLost(runtime.wait(id));
  const ended = await recordEnd(context, { ...container, state: asked }, runtime, exit);
  return save(context, ended, "checkpoint", ended.state);
}

/** Before anything is ended that could not be restored. */
function refuseUnfit({ name, isTransient, autoRemove, root, init, namespaces = {} }: Container): void {
  const what =
    isTransient === true || autoRemove
      ? "it is removed when it ends"
      : root.kind === "host" || (root.kind === "directory" && !root.writable)
        ? "what it has written to its root file system goes with its end"
        : init
          ? "the small init of --init is in no file that criu could start again"
          : namespaces.pid !== undefined
            ? "its process ids are not its own, and may be others' when it is restored"
            : namespaces.ipc === "host" || typeof namespaces.ipc === "object"
              ? "what it shares with others over its IPC namespace is not its own to save"
              : undefined;
  if (what === undefined) return;
  throw new OrlopError("unsupported", `Cannot checkpoint container "${name}": ${what}`);
}
