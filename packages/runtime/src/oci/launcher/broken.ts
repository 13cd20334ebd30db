/**
 * What executes when the resident process has gone in the middle of a call: in the launcher's place, to undo the call and
 * say so; or beside it, when its process in the foreground has ended, to do the rest.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { callHere } from "../call-alone.ts";
import { LocalHands } from "../local-hands.ts";
import { type AbandonedCall, finishCall, undoCall } from "./abandoned-call.ts";
import { calledAs } from "./called-as.ts";
import { livingChildren } from "./living-children.ts";
import { startedAtMs } from "./started-at.ts";

/** How often, and how often at most, it is looked whether reapers have ended: longer than killing anything takes. */
const LOOK_MS = 5;
const LOOKS_MAX = 4_000;

const hands = new LocalHands();
process.exitCode = await goOn();
hands.close();

async function goOn(): Promise<number> {
  const here = callHere(calledAs(process.argv.slice(2)).words, hands);
  const calls = [process.pid, process.ppid].map((pid) => ({ call: { ...here, pid }, sinceMs: startedAtMs(pid) }));
  for (const call of calls) {
    const finished = await finishCall(call);
    if (finished !== undefined) return finished;
  }
  here.complain(`${here.name}: Cannot finish this call: the resident process that served it has ended\n`);
  for (const call of calls) await undo(call);
  return 1;
}

async function undo(call: AbandonedCall): Promise<void> {
  // Reapers see for themselves that nobody listens to them any more.
  const reapers = livingChildren();
  let looks = 0;
  await undoCall(call, async () => {
    const living = livingChildren();
    if (!reapers.some((pid) => living.includes(pid)) || ++looks > LOOKS_MAX) return true;
    await sleep(LOOK_MS);
    return false;
  });
}
