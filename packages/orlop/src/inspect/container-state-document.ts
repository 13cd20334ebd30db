import type { ContainerState } from "@orlop/engine";
import type { Struct } from "../format/template/value.ts";
import { documentOf } from "./document-of.ts";

/** A time that there is none of, as Go has it. */
const NEVER = "0001-01-01T00:00:00Z";

/** What has become of a container, in docker's words. */
export function containerStateDocument(state: ContainerState): Struct {
  const { status } = state;
  const time = (timeMs: number | undefined): string => (timeMs === undefined ? NEVER : new Date(timeMs).toISOString());
  return documentOf({
    Status: status === "starting" ? "created" : status,
    Running: status === "running" || status === "paused" || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: false,
    Pid: state.pid ?? 0,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: time(state.startedAtMs),
    FinishedAt: time(state.finishedAtMs),
  });
}
