import { hostArchitecture } from "@orlop/kernel";
import type { Hands } from "../hands.ts";
import { compileFarewell, compileSay, FAREWELL_TEXT_MAX_BYTES, silentFarewell } from "./farewell-program.ts";

/** What a call has said until its end. */
export interface Said {
  stdout: string;
  stderr: string;
}

/** Has the caller's process say what the call has to say, and end with its status. */
export function takeLeave(hands: Hands, said: Said, status: number): void {
  if (!hands.alive) return;
  if (said.stdout === "" && said.stderr === "") {
    hands.become(silentFarewell(status), () => {});
    return;
  }
  const stderr = Buffer.from(said.stderr).subarray(0, FAREWELL_TEXT_MAX_BYTES);
  sayInParts(hands, Buffer.from(said.stdout), (stdout) => {
    if (hands.alive) hands.become(compileFarewell(hostArchitecture(), { stdout, stderr, status }), () => {});
  });
}

/** One part after the other, each in a child, because a long text does not fit into a program; `last` takes the last. */
function sayInParts(hands: Hands, text: Buffer, last: (text: Buffer) => void): void {
  if (text.length <= FAREWELL_TEXT_MAX_BYTES) {
    last(text);
    return;
  }
  hands.submit(compileSay(hostArchitecture(), text.subarray(0, FAREWELL_TEXT_MAX_BYTES)), ({ kind }) => {
    // Where there can be no child, what it would have said is lost, and the rest still comes.
    if (kind === "ended" || kind === "unstarted") sayInParts(hands, text.subarray(FAREWELL_TEXT_MAX_BYTES), last);
  });
}
