import { OrlopError, shortId } from "@orlop/core";
import type { ContainerRecord } from "./container-record.ts";
import { findNamed } from "./name-claim.ts";
import { listRunning } from "./run-marker.ts";

/** A container that runs, or is about to. */
export interface FoundContainer extends ContainerRecord {
  readonly id: string;
}

/**
 * The container of a name, or whose id begins so.
 *
 * @throws OrlopError `not-found`; `conflict` for the beginning of several ids
 */
export function findContainer(stateDirectory: string, text: string): FoundContainer {
  const all = listRunning(stateDirectory);
  const named = /^[\w.-]+$/.test(text) ? findNamed(stateDirectory, text) : undefined;
  const found = all.filter(({ id }) => (named === undefined ? text !== "" && id.startsWith(text) : id === named));
  const [container] = found;
  if (found.length > 1) {
    const ids = found.map(({ id }) => shortId(id)).join(", ");
    const what = `${found.length} containers have ids that begin so, ${ids}`;
    throw new OrlopError("conflict", `Cannot choose container "${text}": ${what}\nTry more digits.`);
  }
  if (container !== undefined) return container;
  throw new OrlopError("not-found", `Cannot find container "${text}": no such container`);
}
