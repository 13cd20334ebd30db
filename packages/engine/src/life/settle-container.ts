import { rmSync } from "node:fs";
import { type ExitStatus, OrlopError, type Runtime, type State, unlessMissing } from "@orlop/core";
import type { TransactionOptions } from "@orlop/image";
import type { EngineContext } from "../engine-context.ts";
import { streamsDirectory } from "../state/container-places.ts";
import type { Container, ContainerState } from "../state/container-rows.ts";
import { containerEvent, volumeEvents } from "./container-event.ts";
import { leaveNetworks } from "./container-networks.ts";
import { isActive, statusAfter } from "./container-status.ts";
import { resumeStreams } from "./container-streams.ts";
import { wantsRestart } from "./restart-policy.ts";
import { releaseSharedMemory } from "./shared-memory.ts";

/** What a machine that was switched off, or somebody who removed all state, has left of a run: docker's code for that. */
const LOST_EXIT_CODE = 255;

/**
 * Brings what is known of a container into line with what has become of it: records the end of a run that nobody was
 * there to see, and what a killed process has left half done. The caller holds the container's lock.
 *
 * @returns the container as it is now
 */
export async function settleContainer(context: EngineContext, container: Container): Promise<Container> {
  if (!isActive(container.state.status)) return container;
  const { id } = container;
  const runtime = await context.runtime(container.runtime);
  const found = await unlessMissing(runtime.state(id));
  if (found !== undefined && found.status !== "stopped") return await settleLiving(context, container, runtime, found);
  const exit = found === undefined ? undefined : await unlessLost(runtime.wait(id));
  return await recordEnd(context, container, runtime, exit);
}

/** Of the end of a run: what stays known of it. */
type End = Pick<ContainerState, "exitCode" | "oomKilled" | "finishedAtMs">;

/**
 * Records how a run has ended, and removes what there was only for it.
 *
 * @param exit undefined where nobody knows, unless it is written down already: then somebody was killed who removed the rest
 */
export async function recordEnd(
  context: EngineContext,
  container: Container,
  runtime: Runtime,
  exit: ExitStatus | undefined,
): Promise<Container> {
  const { id, name } = container;
  const end = exit === undefined ? writtenEnd(container.state) : endOf(exit);
  const state = end === undefined ? container.state : { ...container.state, ...end };
  // The runtime forgets it now, and this process may be killed right after that. A machine that loses its power forgets both.
  if (exit !== undefined) save(context, container, undefined, state, { durable: false });
  await runtime.delete(id, { force: true });
  const left = await leaveNetworks(context, container);
  await releaseSharedMemory(context, container);
  rmSync(streamsDirectory(context, id), { recursive: true, force: true });
  const wasStarted = state.status !== "starting" || end !== undefined;
  const exitCode = end?.exitCode ?? LOST_EXIT_CODE;
  const ended = statusAfter("end", state.status, name);
  // Said here, whoever finds the end: who looks after it may not have come to it yet.
  const isRestarted = wantsRestart(container.restart, { ...state, exitCode });
  const oomKilled = end?.oomKilled ?? false;
  return context.database.transaction(() => {
    if (oomKilled) context.events.add(containerEvent(container, "oom"));
    const saved = save(context, container, wasStarted ? "die" : undefined, {
      ...state,
      status: isRestarted ? statusAfter("restart", ended, name) : ended,
      pid: undefined,
      finishedAtMs: end?.finishedAtMs ?? Date.now(),
      exitCode,
      oomKilled,
      error: end === undefined ? (wasStarted ? "how it ended is lost" : "its start was cut off") : "",
      endpoints: [],
    });
    // In docker's order: that of the end comes first.
    const atMs = Date.now();
    for (const event of [...left, ...volumeEvents(saved, "unmount")]) context.events.add({ ...event, atMs });
    return saved;
  });
}

function endOf({ exitCode, oomKilled, exitedAtMs }: ExitStatus): End {
  return { exitCode, oomKilled, finishedAtMs: exitedAtMs };
}

/** Of the run that is under way in the database: one that has not ended has no time of its end. */
function writtenEnd(state: ContainerState): End | undefined {
  return state.finishedAtMs === undefined ? undefined : state;
}

async function settleLiving(
  context: EngineContext,
  container: Container,
  runtime: Runtime,
  { status, pid }: State,
): Promise<Container> {
  const { state } = container;
  if (status === "creating" || status === "created") return await recordEnd(context, container, runtime, undefined);
  await resumeStreams(context, container);
  const now = status === "paused" ? "paused" : "running";
  if (state.status === now) return container;
  const wasStarting = state.status === "starting";
  return save(context, container, wasStarting ? "start" : undefined, {
    ...state,
    status: now,
    pid,
    ...(wasStarting ? { startedAtMs: Date.now() } : {}),
  });
}

/** Writes down the state, and the event that tells of it. */
export function save(
  { database, rows, events }: EngineContext,
  container: Container,
  action: string | undefined,
  state: ContainerState,
  options: TransactionOptions = {},
): Container {
  const changed = { ...container, state };
  database.transaction(() => {
    rows.setState(container.id, state);
    if (action !== undefined) events.add(containerEvent(changed, action));
  }, options);
  return changed;
}

/** How a run ended; undefined where nobody can know: it is not there, or whoever watched over it was killed. */
export async function unlessLost(asked: Promise<ExitStatus>): Promise<ExitStatus | undefined> {
  try {
    return await unlessMissing(asked);
  } catch (error) {
    if (error instanceof OrlopError && error.code === "failed") return undefined;
    throw error;
  }
}
