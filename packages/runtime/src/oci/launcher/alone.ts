/** What `bin/orlop-oci` executes when no resident process answers: does the call, and sees to it that the next finds one. */
import { callAlone } from "../call-alone.ts";
import { undoFirstAttempt } from "./first-attempt.ts";
import { callWords } from "./launcher-arguments.ts";
import { prepareNextCall } from "./prepare-next-call.ts";

const [bin = "", ...args] = process.argv.slice(2);
const words = callWords(args);
await undoFirstAttempt(words);
await callAlone(words);
await prepareNextCall(bin, words);
