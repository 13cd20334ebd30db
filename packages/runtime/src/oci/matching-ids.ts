import { OrlopError } from "@orlop/core";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { OciContainers } from "./oci-containers.ts";

/** crun's: the word for the container is a pattern. */
export function regexFlag(help: string): Flag {
  return { name: "regex", short: "r", kind: "switch", help };
}

/** Containers whose ids match the pattern that the first word is; it is checked before anything is opened. */
export async function matchingIds(
  { positional: [pattern = ""] }: GivenArguments,
  containers: () => Promise<OciContainers>,
): Promise<readonly string[]> {
  const expression = parsePattern(pattern);
  const states = await (await containers()).list();
  return states.map(({ id }) => id).filter((id) => expression.test(id));
}

/** crun's pattern is one of regex(3), in which classes of characters have names. */
function parsePattern(pattern: string): RegExp {
  try {
    if (/\[[:.=]/.test(pattern)) throw new SyntaxError("there are no names of character classes");
    return new RegExp(pattern);
  } catch (error) {
    throw new OrlopError("invalid", `Cannot use pattern "${pattern}": ${(error as Error).message}`, { cause: error });
  }
}
