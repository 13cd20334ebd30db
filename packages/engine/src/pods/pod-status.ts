import { OrlopError } from "@orlop/core";
import { isActive } from "../life/container-status.ts";
import type { Container } from "../state/container-rows.ts";
import type { Pod, PodPhase } from "./pod-description.ts";

type Action = "start" | "started" | "end" | "remove";

const TRANSITIONS: Readonly<Record<Action, Readonly<Partial<Record<PodPhase, PodPhase>>>>> = {
  start: { created: "starting", exited: "starting" },
  started: { starting: "running" },
  end: { starting: "exited", running: "exited" },
  remove: { created: "removing", exited: "removing", starting: "removing", running: "removing", removing: "removing" },
};

/**
 * The phase after an action.
 *
 * @throws OrlopError `conflict` for what the table does not hold
 */
export function phaseAfter(action: Action, phase: PodPhase, name: string): PodPhase {
  const next = TRANSITIONS[action][phase];
  if (next !== undefined) return next;
  throw new OrlopError("conflict", `Cannot ${VERBS[action]} pod "${name}": it is ${phase}`);
}

const VERBS: Readonly<Record<Action, string>> = { start: "start", started: "start", end: "stop", remove: "remove" };

/** What a pod and its containers come to, in podman's words. */
export type PodStatus = "Created" | "Running" | "Degraded" | "Paused" | "Exited";

/** @param members without those that only prepare for the others */
export function podStatus({ state }: Pod, members: readonly Container[]): PodStatus {
  const count = (wanted: (member: Container) => boolean): number => members.filter(wanted).length;
  if (members.length === 0) return state.phase === "running" ? "Running" : titled(state.phase);
  const active = count((member) => isActive(member.state.status));
  if (active === 0) {
    if (count((member) => member.state.status === "created") === members.length) return "Created";
    return count((member) => member.state.status === "restarting") > 0 ? "Degraded" : "Exited";
  }
  if (count((member) => member.state.status === "paused") === members.length) return "Paused";
  return active === members.length ? "Running" : "Degraded";
}

function titled(phase: PodPhase): PodStatus {
  return phase === "created" || phase === "starting" ? "Created" : "Exited";
}
