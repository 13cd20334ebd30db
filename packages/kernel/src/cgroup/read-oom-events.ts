import { type CgroupDirectory, directoryFor } from "./cgroup-plan.ts";
import { readFlatKeyed } from "./read-cgroup-file.ts";

interface OomEvents {
  /** Processes of the container that the OOM killer has killed. */
  readonly kills: bigint;
  /** Version 1, with the OOM killer off: processes stand still at the limit right now. */
  readonly waiting: boolean;
}

/**
 * Reads the OOM killer's count for a container (version 2: `memory.events`, version 1: `memory.oom_control`, since
 * Linux 4.13). Undefined when no controller counts. It only grows, so a difference is an event.
 */
export function readOomEvents(directories: readonly CgroupDirectory[]): OomEvents | undefined {
  const memory = directoryFor(directories, "memory");
  if (memory === undefined) return undefined;
  const events = readFlatKeyed(memory.path, memory.version === 1 ? "memory.oom_control" : "memory.events");
  if (events.oom_kill === undefined) return undefined;
  return { kills: events.oom_kill, waiting: events.under_oom === 1n };
}
