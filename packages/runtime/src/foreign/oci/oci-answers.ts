import { CONTAINER_STATUSES, OrlopError, type State } from "@orlop/core";

/** Reads what the verb `state` printed (runtime-spec, runtime.md, "State"). */
export function decodeState(id: string, text: string): Pick<State, "status" | "pid"> {
  const { status, pid } = parseAnswer(id, text) as { readonly status?: unknown; readonly pid?: unknown };
  const known = CONTAINER_STATUSES.find((each) => each === status);
  // Beyond the spec's four words runc and crun say this of a container whose processes are frozen.
  if (known === undefined && status !== "paused") throw damaged(id, text);
  return { status: known ?? "paused", ...(typeof pid === "number" && pid > 0 ? { pid } : {}) };
}

/** Reads what `ps --format json` printed: a list of process ids. */
export function decodePids(id: string, text: string): readonly number[] {
  const pids = parseAnswer(id, text);
  // What runs nowhere is null.
  if (pids === null) return [];
  if (!Array.isArray(pids) || !pids.every((pid) => Number.isInteger(pid))) throw damaged(id, text);
  return pids as readonly number[];
}

function parseAnswer(id: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(id, text);
  }
}

/** How much of an answer an error shows. */
const SHOWN_MAX_CHARACTERS = 200;

function damaged(id: string, text: string): OrlopError {
  const shown = JSON.stringify(text.slice(0, SHOWN_MAX_CHARACTERS));
  return new OrlopError("failed", `Cannot understand runtime about container "${id}": it answered ${shown}`);
}
