import { type Container, healthOf } from "@orlop/engine";
import { humanDuration } from "../format/human-duration.ts";

/** A status as docker's `ps` tells it: `Up 5 minutes (healthy)`, `Exited (0) 3 weeks ago`. */
export function statusText(container: Container, nowMs: number): string {
  const { state } = container;
  const since = (timeMs: number | undefined): string => humanDuration(nowMs - (timeMs ?? nowMs));
  switch (state.status) {
    case "created":
    case "starting":
      return "Created";
    case "running":
      return `Up ${since(state.startedAtMs)}${healthText(container)}`;
    case "paused":
      return `Up ${since(state.startedAtMs)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAtMs)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAtMs)} ago`;
    case "removing":
      return "Removal In Progress";
  }
}

function healthText(container: Container): string {
  const status = healthOf(container)?.status;
  if (status === undefined) return "";
  return status === "starting" ? " (health: starting)" : ` (${status})`;
}
