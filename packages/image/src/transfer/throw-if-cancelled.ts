import { OrlopError } from "@orlop/core";

/** @throws OrlopError `cancelled`, or what somebody else has failed with for the sake of which this is to end */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof OrlopError) throw signal.reason;
  throw new OrlopError("cancelled", "Cannot go on with image: it was cancelled", { cause: signal.reason });
}
