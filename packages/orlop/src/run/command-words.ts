import { OrlopError } from "@orlop/core";
import type { Image } from "../image/image.ts";

/**
 * The program and its arguments: the entry point, then the command. An entry point of the user's takes both of the
 * image's away; an empty one leaves only the user's command.
 *
 * @throws OrlopError `invalid` when nothing is left
 */
export function commandWords(
  asked: { readonly entrypoint: string | undefined; readonly command: readonly string[] },
  config: Image["config"],
): readonly [string, ...string[]] {
  const { entrypoint, command } = asked;
  const imageEntrypoint = config.Entrypoint ?? [];
  const words =
    entrypoint === undefined
      ? [...imageEntrypoint, ...(command.length > 0 ? command : (config.Cmd ?? []))]
      : [...(entrypoint === "" ? [] : [entrypoint]), ...command];
  const [program, ...rest] = words;
  if (program === undefined) {
    throw new OrlopError("invalid", "no command specified: the image has none\nTry orlop run IMAGE COMMAND.");
  }
  return [program, ...rest];
}
