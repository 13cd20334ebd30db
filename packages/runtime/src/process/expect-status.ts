import { OrlopError, type State } from "@orlop/core";

/** Throws `conflict` for a status that does not allow the verb. */
export function expectStatus({ id, status }: State, verb: string, statuses: readonly State["status"][]): void {
  if (statuses.includes(status)) return;
  throw new OrlopError("conflict", `Cannot ${verb} container "${id}": it is ${status}`);
}

/** Throws `conflict` for a container that has not ended, unless that is no matter. */
export function expectDeletable({ id, status }: State, force: boolean): void {
  if (status === "stopped" || force) return;
  throw new OrlopError(
    "conflict",
    `Cannot delete container "${id}": it is ${status}\nTry stopping it first, or force.`,
  );
}
