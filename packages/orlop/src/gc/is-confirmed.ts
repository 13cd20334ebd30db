import { OrlopError } from "@orlop/core";
import type { GcCall } from "./gc-verb.ts";

/** An answer is one letter; who sends more without the end of a line sends none. */
const ANSWER_MAX_CHARACTERS = 1000;

/**
 * Asks as docker does whether to go on: `y` in a line of standard input, from a terminal or a pipe.
 *
 * @throws OrlopError `invalid` where nobody answers
 */
export async function isConfirmed(
  { print, input }: Pick<GcCall, "print" | "input">,
  warning: string,
): Promise<boolean> {
  print(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = "";
  for await (const chunk of input) {
    answer += chunk.toString();
    if (answer.includes("\n") || answer.length > ANSWER_MAX_CHARACTERS) break;
  }
  if (answer !== "") return answer.split("\n", 1)[0]?.trim().toLowerCase() === "y";
  print("\n");
  throw new OrlopError("invalid", "nobody has answered, and nothing was removed; use -f to remove without being asked");
}
