import { callHere } from "../call-alone.ts";
import { LocalHands } from "../local-hands.ts";
import { undoCall } from "./abandoned-call.ts";
import { startedAtMs } from "./started-at.ts";

/**
 * Removes what a resident process may have prepared for this very process, when it ended before its first program could be
 * executed: the whole call is done anew then, and would find its container there.
 */
export async function undoFirstAttempt(args: readonly string[]): Promise<void> {
  const hands = new LocalHands();
  try {
    await undoCall({ call: callHere(args, hands), sinceMs: startedAtMs(process.pid) }, async () => true);
  } catch {
    // What is wrong with the call itself, the call will say.
  } finally {
    hands.close();
  }
}
