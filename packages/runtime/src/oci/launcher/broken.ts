/** What a launcher executes when the resident process has gone in the middle of its call: undoes it, and says so. */
import { callHere } from "../call-alone.ts";
import { LocalHands } from "../local-hands.ts";
import { ARGUMENTS_BEFORE, BROKEN_ARGUMENT, callWords } from "./launcher-arguments.ts";
import { undoCall } from "./undo-call.ts";

/** Behind Node, its option and the script, which process.argv has as two. */
const ARGUMENTS_HERE = ARGUMENTS_BEFORE - BROKEN_ARGUMENT - 1;

const hands = new LocalHands();
const call = callHere(callWords(process.argv.slice(ARGUMENTS_HERE)), hands);
call.complain("orlop-oci: Cannot finish this call: the resident process that served it has ended\n");
process.exitCode = 1;
await undoCall(call);
hands.close();
