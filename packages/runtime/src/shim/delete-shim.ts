import { rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { parseContainerId } from "@orlop/core";
import { Zygote } from "@orlop/kernel";
import { ContainerDirectory } from "../process/container-directory.ts";
import { exitStatus } from "../process/exit-status.ts";
import { readHostView } from "../process/host-view.ts";
import { ProcessRuntime } from "../process/process-runtime.ts";
import { timestamp } from "../shim-protocol/events-api.ts";
import { type TaskAnswer, taskApi } from "../shim-protocol/task-api.ts";
import { sweepDeadServer } from "./server-record.ts";
import { makeShimPlace, type ShimGroup, shimPlace } from "./shim-place.ts";
import { unmountRoot } from "./task-root.ts";

/**
 * Ends and removes a container whose server containerd cannot reach any more, with all that belongs to it; says how it
 * ended. One that is not there any more is no error.
 */
export async function deleteShim(group: ShimGroup, id: string, bundle: string): Promise<TaskAnswer<"Delete">> {
  const place = shimPlace(group, process.env);
  const directory = new ContainerDirectory(join(place.containers, parseContainerId(id)));
  makeShimPlace(place);
  sweepDeadServer(place.server);
  rmSync(join(place.claims, id), { force: true });
  const zygote = Zygote.start();
  try {
    const pid = directory.created()?.value;
    const exit = directory.exit();
    const runtime = new ProcessRuntime({ root: place.containers, startZygote: () => zygote });
    await runtime.delete(id, { force: true });
    await unmountRoot({ zygote, host: readHostView() }, bundle);
    const killed = 128 + constants.signals.SIGKILL;
    return {
      pid,
      exitStatus: exit === undefined ? killed : exitStatus(exit, false).exitCode,
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
