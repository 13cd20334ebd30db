import { hostArchitecture, PROGRAM_LOST } from "@orlop/kernel";
import type { Hands } from "../hands.ts";
import { compileSay, FAREWELL_TEXT_MAX_BYTES } from "./farewell-program.ts";

/**
 * Has a child of the caller's process say something on standard output, in parts that fit into a program. Resolves when all
 * is said, with whether somebody reads; a reader who is slow is waited for.
 */
export async function sayNow(hands: Hands, text: string): Promise<boolean> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += FAREWELL_TEXT_MAX_BYTES) {
    if (!hands.alive || !(await sayPart(hands, bytes.subarray(at, at + FAREWELL_TEXT_MAX_BYTES)))) return false;
  }
  return true;
}

function sayPart(hands: Hands, part: Buffer): Promise<boolean> {
  const heard = Promise.withResolvers<boolean>();
  hands.submit(compileSay(hostArchitecture(), part), ({ kind, index, value }) => {
    if (kind === "ended") heard.resolve(index !== PROGRAM_LOST && value >= 0);
    if (kind === "unstarted") heard.resolve(false);
  });
  return heard.promise;
}
