/**
 * The launcher's own arguments, as `bin/orlop-oci` gives them: its path, then two command lines of four words each, then
 * the words of the call. The first command line is for a call that broke off, the second for one that nobody serves.
 *
 * A command line is Node's executable, one option for it, the script, and the directory of the command.
 */
export const BROKEN_ARGUMENT = 1;
export const ALONE_ARGUMENT = 5;
/** How many come before the words of the call. */
export const ARGUMENTS_BEFORE = 9;

/** The words of the call as they were: what Node could take for an option of its own has a colon in front. */
export function callWords(words: readonly string[]): readonly string[] {
  return words.map((word) => (word.startsWith(":") ? word.slice(1) : word));
}
