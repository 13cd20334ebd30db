import { type Container, type Health, healthOf } from "@orlop/engine";
import { Struct } from "../format/template/value.ts";
import { documentOf } from "./document-of.ts";

/** A time that there is none of, as Go has it. */
const NEVER = "0001-01-01T00:00:00Z";

/** What has become of a container, in docker's words. */
export function containerStateDocument(container: Container): Struct {
  const { state } = container;
  const { status } = state;
  const health = healthOf(container);
  const time = (timeMs: number | undefined): string => (timeMs === undefined ? NEVER : new Date(timeMs).toISOString());
  const { fields } = documentOf({
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
  if (health === undefined) return new Struct(fields);
  return new Struct([...fields, { name: "Health", value: healthDocument(health) }]);
}

function healthDocument({ status, failingStreak, log }: Health): Struct {
  return documentOf({
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ startedAtMs, endedAtMs, exitCode, output }) =>
      documentOf({
        Start: new Date(startedAtMs).toISOString(),
        End: new Date(endedAtMs).toISOString(),
        ExitCode: exitCode,
        Output: output,
      }),
    ),
  });
}
