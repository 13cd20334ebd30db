import { OrlopError } from "@orlop/core";

/**
 * A pattern as Go's path.Match takes it: `*` is any text without a slash, `?` any character but a slash, `[a-z]` and `[^a-z]`
 * one of or none of some, and `\` takes away the meaning of what follows.
 *
 * @throws OrlopError `invalid`
 */
export function pathPattern(pattern: string): RegExp {
  const parts = /\\(.)|\[(\^?)((?:\\.|[^\\\]])+)\]|(\*)|(\?)|([^\\[])|(.)/gsu;
  const translated = pattern.replaceAll(parts, (...match: readonly (string | undefined)[]) => {
    const [, quoted, inverse, set, star, any, plain, bad] = match;
    if (star !== undefined) return "[^/]*";
    if (any !== undefined) return "[^/]";
    if (set !== undefined)
      return `[${inverse}${set.replaceAll(/\\(.)|([[&~^])/gsu, (_all, one, other) => literal(one ?? other))}]`;
    if (bad !== undefined) throw malformed(pattern);
    return literal(quoted ?? plain ?? "");
  });
  try {
    return new RegExp(`^${translated}$`, "u");
  } catch {
    throw malformed(pattern);
  }
}

function literal(character: string): string {
  return /^[\w\s]$/u.test(character) || character > "\x7f" ? character : `\\x${hex(character)}`;
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, "0");
}

function malformed(pattern: string): OrlopError {
  return new OrlopError("invalid", `Cannot use pattern ${JSON.stringify(pattern)}: syntax error in pattern`);
}
