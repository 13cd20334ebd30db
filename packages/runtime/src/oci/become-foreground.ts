import type { Architecture } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import { exitStatus } from "../process/exit-status.ts";
import type { FollowedProgram } from "../process/followed-program.ts";
import type { Hands } from "./hands.ts";
import type { KeptCalls } from "./kept-calls.ts";
import { ReaperWatch } from "./reaper-watch.ts";

interface ForegroundProcess {
  readonly followed: FollowedProgram;
  readonly pid: number;
  readonly architecture: Architecture;
  /** Where its reaper writes. */
  readonly directory: ContainerDirectory;
  /** Its terminal is relayed to the caller's. */
  readonly terminal: boolean;
  /** What is to be done between the end of the process and that of the call. */
  readonly afterwards: () => Promise<void>;
  readonly kept: KeptCalls;
}

/** Makes the call's own process stand for a process that runs: until its end, and with its exit status. */
export async function becomeForeground(hands: Hands, foreground: ForegroundProcess): Promise<void> {
  const { followed, afterwards, kept, directory, ...process } = foreground;
  const stateDirectory = directory.path;
  const reaperPid = await followed.begun.promise;
  const { finishFile } = hands;
  const unsaid = hands.takeUnsaid?.() ?? "";
  hands.become(kept.foregrounds.program({ ...process, stateDirectory, reaperPid, finishFile, unsaid }), () => {});
  using watch = new ReaperWatch(directory);
  try {
    const { exitCode } = exitStatus(await Promise.race([followed.exited.promise, watch.lost]), false);
    await afterwards();
    hands.release(exitCode);
  } catch (error) {
    // What they have become waits for a word. Where none can be given it learns the status itself, and does the rest.
    hands.close();
    throw error;
  }
}
