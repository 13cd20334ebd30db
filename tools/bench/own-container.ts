import { type ExitStatus, OrlopError } from "@orlop/core";
import type { BenchPlace } from "./bench-place.ts";

/** A benchmark of what does not work measures nothing. */
export function expectSuccess(id: string, { exitCode }: ExitStatus): void {
  if (exitCode !== 0) {
    throw new OrlopError("failed", `Cannot measure container "${id}": it ended with exit code ${exitCode}`);
  }
}

/** Starts an idle container of ours that outlives its maker, as a daemon's containers do. */
export async function startIdle(place: BenchPlace): Promise<{ readonly id: string; readonly pid: number }> {
  const request = place.request(place.idling, { detached: true });
  const { id } = request;
  await place.runtime.run(request);
  const { pid } = await place.runtime.state(id);
  if (pid === undefined) throw new OrlopError("failed", `Cannot measure container "${id}": it has ended`);
  return { id, pid };
}
