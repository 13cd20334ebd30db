import { readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { parseContainerId } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { ContainerDirectory } from "../process/container-directory.ts";
import { exitStatus } from "../process/exit-status.ts";
import { readHostView } from "../process/host-view.ts";
import { ProcessRuntime } from "../process/process-runtime.ts";
import { readStartAnswer } from "../shim-protocol/bootstrap.ts";
import { timestamp } from "../shim-protocol/events-api.ts";
import { type TaskAnswer, taskApi } from "../shim-protocol/task-api.ts";
import { TtrpcClient } from "../ttrpc/ttrpc-client.ts";
import { sweepDeadServer } from "./server-record.ts";
import { makeShimPlace, type ShimPlace } from "./shim-place.ts";
import { ADDRESS } from "./start-shim.ts";
import { unmountRoot } from "./task-root.ts";

/** A server that lives answers in this time, or is done without. */
const SERVER_TIME_MAX_MS = 2_000;

const { SIGKILL } = constants.signals;

/**
 * Ends and removes a container that containerd has lost the connection to, with all that belongs to it; says how it ended.
 * One that is not there any more is no error.
 */
export async function deleteShim(
  place: ShimPlace,
  id: string,
  bundle: string,
  serverTimeMaxMs: number = SERVER_TIME_MAX_MS,
): Promise<TaskAnswer<"Delete">> {
  parseContainerId(id);
  makeShimPlace(place);
  sweepDeadServer(place.server);
  rmSync(join(place.claims, id), { force: true });
  const answer = await tellServer(id, bundle, AbortSignal.timeout(serverTimeMaxMs));
  const found = await deleteHere(place, id, bundle);
  return answer ?? found;
}

/** Where the server lives, it is not to keep what is gone. Undefined where it does not, or does not know the container. */
async function tellServer(id: string, bundle: string, signal: AbortSignal): Promise<TaskAnswer<"Delete"> | undefined> {
  let client: TtrpcClient | undefined;
  try {
    const { socket, version } = readStartAnswer("orlop", readFileSync(join(bundle, ADDRESS)));
    client = await TtrpcClient.connect(socket);
    const api = taskApi(version);
    // Of one that has ended it says that it is not there.
    await client.call(api, "Kill", { id, signal: SIGKILL, all: true }, { signal }).catch(() => {});
    await client.call(api, "Wait", { id }, { signal });
    return await client.call(api, "Delete", { id }, { signal });
  } catch {
    return undefined;
  } finally {
    client?.close();
  }
}

async function deleteHere(place: ShimPlace, id: string, bundle: string): Promise<TaskAnswer<"Delete">> {
  const directory = new ContainerDirectory(join(place.containers, id));
  const zygote = Zygote.start();
  try {
    const pid = directory.created()?.value;
    const exit = directory.exit();
    const runtime = new ProcessRuntime({ root: place.containers, startZygote: () => zygote });
    await runtime.delete(id, { force: true });
    await unmountRoot({ zygote, host: readHostView() }, bundle);
    rmSync(join(place.logs, id), { recursive: true, force: true });
    return {
      pid,
      exitStatus: exit === undefined ? 128 + SIGKILL : exitStatus(exit, false).exitCode,
      exitedAt: timestamp(exit?.atMs ?? Date.now()),
    };
  } finally {
    zygote.close();
  }
}

/** What is deleted, as containerd reads it. */
export function deleteAnswer(answer: TaskAnswer<"Delete">): Uint8Array {
  return taskApi(2).codec.encode("DeleteResponse", answer);
}
