import { closeSync, constants, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type CreateRequest, type Endpoint, OrlopError, type Runtime, type RuntimeSpec, type Stdio } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { type RestoreChoices, restoreRun } from "../checkpoint/restore-run.ts";
import type { EngineContext } from "../engine-context.ts";
import { joinPod } from "../pods/join-pod.ts";
import { streamsDirectory } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import { awaitNames } from "./await-names.ts";
import { volumeEvents } from "./container-event.ts";
import {
  connectNetworks,
  disconnectNetworks,
  holdUserNamespace,
  tellAll,
  tellNeighbours,
} from "./container-networks.ts";
import { statusAfter } from "./container-status.ts";
import { endStreams, openInput, openStreams } from "./container-streams.ts";
import { joinContainers } from "./join-containers.ts";
import { save } from "./settle-container.ts";
import { releaseSharedMemory } from "./shared-memory.ts";

export interface StartOptions {
  /** Standard input is to end with whoever asks; see {@link StartedRun}. */
  readonly holdsInput?: boolean;
  /** Its restart policy starts it. */
  readonly isRestart?: boolean;
  /** It goes on from this checkpoint. */
  readonly restore?: RestoreChoices;
}

/** A run that has begun. */
export interface StartedRun {
  readonly container: Container;
  /** With `holdsInput`: a descriptor that writes to standard input, which ends when it is closed. The caller's to close. */
  readonly input: number | undefined;
}

/**
 * Starts a container that does not run. The caller holds its lock.
 *
 * @throws OrlopError; the container is what it was before, with the reason and an exit code written down
 */
export async function startContainer(
  context: EngineContext,
  container: Container,
  { holdsInput = false, isRestart = false, restore }: StartOptions,
): Promise<StartedRun> {
  const { id, name, state } = container;
  const status = statusAfter(restore === undefined ? "start" : "restore", state.status, name);
  const starting = { ...state, status, error: "", isStoppedByUser: false, finishedAtMs: undefined };
  // For who finds it when this process has been killed: a machine that loses its power has nothing left of the start.
  save(context, container, undefined, starting, { durable: false });
  const streams = streamsDirectory(context, id);
  let held: number | undefined;
  let takeBack = async (): Promise<void> => {};
  try {
    const spec = context.rows.spec(id);
    if (spec === undefined) throw new OrlopError("failed", `Cannot start container "${name}": its config is lost`);
    const runtime = await context.runtime(container.runtime);
    // Of a start that was cut off.
    await runtime.delete(id, { force: true });
    const stdio = await openStreams(context, container, streams);
    if (holdsInput && container.interactive) held = openSync(join(streams, "stdin"), constants.O_RDWR);
    const { pid, endpoints } = await runIn(context, container, runtime, { spec, stdio, restore });
    takeBack = async () => {
      await runtime.delete(id, { force: true });
      await disconnectNetworks(context, { ...container, state: { ...state, endpoints } });
    };
    tellAll(context, volumeEvents(container, "mount", spec));
    const restartCount = isRestart ? state.restartCount + 1 : 0;
    const changed = save(context, container, restore === undefined ? "start" : "restore", {
      ...starting,
      status: "running",
      pid,
      startedAtMs: Date.now(),
      exitCode: 0,
      oomKilled: false,
      restartCount,
      endpoints,
    });
    await tellNeighbours(context, container);
    return { container: changed, input: held === undefined ? undefined : openInput(streams) };
  } catch (error) {
    // What nobody could write down, as on a full disk, is not to run.
    await takeBack();
    await releaseSharedMemory(context, container);
    endStreams(streams);
    rmSync(streams, { recursive: true, force: true });
    const { message } = error as Error;
    save(context, container, undefined, { ...state, status: state.status, error: message, exitCode: startCode(error) });
    throw error;
  } finally {
    if (held !== undefined) closeSync(held);
  }
}

interface Run {
  readonly spec: RuntimeSpec;
  readonly stdio: Stdio;
  readonly restore: RestoreChoices | undefined;
}

interface Begun {
  readonly pid: number | undefined;
  readonly endpoints: readonly Endpoint[];
}

async function runIn(
  context: EngineContext,
  container: Container,
  runtime: Runtime,
  { spec, stdio, restore }: Run,
): Promise<Begun> {
  for (const path of container.directories) makeDirectory(path);
  const { rootfs, mounts } = await context.roots.open(container.root);
  const joined = await joinPod(context, container, await joinContainers(context, container, spec));
  const request: CreateRequest = {
    id: container.id,
    bundle: "/",
    spec: { ...joined, mounts: [...mounts, ...(joined.mounts ?? [])] },
    rootfs,
    stdio,
    init: container.init,
    detached: true,
    ...(container.timeLimitMs === undefined ? {} : { timeLimitMs: container.timeLimitMs }),
  };
  if (restore !== undefined) return await restoreRun(context, container, runtime, request, restore);
  const { network } = container;
  if (network.kind !== "networks" && runtime.run !== undefined) {
    return { pid: (await runtime.run(request)).pid, endpoints: [] };
  }
  await using parent = await holdUserNamespace(context, network);
  const { pid } = await runtime.create(parent === undefined ? request : below(request, parent.path));
  try {
    const endpoints = await connectNetworks(context, container, pid);
    await awaitNames(context, container, endpoints);
    await runtime.start(request.id);
    return { pid, endpoints };
  } catch (error) {
    await runtime.delete(request.id, { force: true });
    await disconnectNetworks(context, container);
    throw error;
  }
}

/** Where it joins another's user namespace, that one is below, or cannot be connected. */
function below(request: CreateRequest, userNamespaceParent: string): CreateRequest {
  const namespaces = request.spec.linux?.namespaces ?? [];
  const isOwn = namespaces.some(({ type, path }) => type === "user" && path === undefined);
  return isOwn ? { ...request, userNamespaceParent } : request;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw systemFailure(`make directory "${path}" to bind it`, cause, "mounts");
  }
}

/** Docker's: what a shell says of a program that is not there or cannot be executed, and 128 for whatever else. */
function startCode(error: unknown): number {
  if (!(error instanceof OrlopError)) return 128;
  if (error.code === "executable-not-found") return 127;
  return error.code === "executable-refused" ? 126 : 128;
}
