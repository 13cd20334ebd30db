import { OrlopError } from "@orlop/core";

/**
 * Where a container is in its life:
 *
 *     created ──start──> starting ──> running ──(init ends)──> exited ──remove──> removing ──> gone
 *                           ^           │ ^                      │
 *                           │        pause resume                │
 *                           │           v │                      │
 *                           │         paused                     │
 *                           └────────────── start ───────────────┤
 *                           └── restarting <──(restart policy)───┘
 *
 * A checkpoint that does not leave it running ends it; a restore is a start that goes on from one.
 *
 * `starting` and `removing` are kept on disk while their work is done: who finds one of them, with nobody at it, knows
 * that somebody was killed in between.
 */
export type EngineStatus = "created" | "starting" | "running" | "paused" | "restarting" | "exited" | "removing";

type Action = "start" | "restore" | "pause" | "resume" | "end" | "restart" | "remove" | "exec" | "checkpoint";

const TRANSITIONS: Readonly<Record<Action, Readonly<Partial<Record<EngineStatus, EngineStatus>>>>> = {
  start: { created: "starting", exited: "starting", restarting: "starting" },
  pause: { running: "paused" },
  resume: { paused: "running" },
  end: { starting: "exited", running: "exited", paused: "exited", restarting: "exited" },
  restart: { exited: "restarting" },
  remove: { created: "removing", exited: "removing", restarting: "removing", removing: "removing" },
  exec: { running: "running" },
  checkpoint: { running: "running" },
  restore: { created: "starting", exited: "starting", restarting: "starting" },
};

/**
 * The status after an action.
 *
 * @throws OrlopError `conflict` for what the table does not hold
 */
export function statusAfter(action: Action, status: EngineStatus, name: string): EngineStatus {
  const next = TRANSITIONS[action][status];
  if (next !== undefined) return next;
  throw new OrlopError("conflict", `Cannot ${VERBS[action]} container "${name}": it is ${status}`);
}

const VERBS: Readonly<Record<Action, string>> = {
  start: "start",
  pause: "pause",
  resume: "unpause",
  end: "stop",
  restart: "restart",
  remove: "remove",
  exec: "exec in",
  checkpoint: "checkpoint",
  restore: "restore",
};

/** There may be processes of it. */
export function isActive(status: EngineStatus): boolean {
  return status === "starting" || status === "running" || status === "paused";
}
