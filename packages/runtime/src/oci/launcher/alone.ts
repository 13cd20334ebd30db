/** What `bin/orlop-oci` executes when no resident process answers: does the call, and sees to it that the next finds one. */
import { callAlone } from "../call-alone.ts";
import { calledAs, calledName } from "./called-as.ts";
import { undoFirstAttempt } from "./first-attempt.ts";
import { prepareNextCall } from "./prepare-next-call.ts";

const called = calledAs(process.argv.slice(2));
await undoFirstAttempt(called.words);
await callAlone(called.words, calledName(called.home));
await prepareNextCall(called);
