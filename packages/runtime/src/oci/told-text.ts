/** Some values of a config have no limit of their own; what is at fault stands at the start, why at the end. */
const START_CHARS = 3072;
const END_CHARS = 1024;

/** What a terminal or the reader of lines would not show as it is, but for the line that begins with the way out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /(?!\nTry )[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * A message as it is told: its first line holds all of it but the way out, whatever the values in it are. Control characters
 * become JSON's escapes, for values are others' and could move the cursor or make up lines; the middle of more than 4096
 * characters is left out.
 */
export function toldText(message: string): string {
  const left = message.length - START_CHARS - END_CHARS;
  const whole = left <= 0 ? message : `${message.slice(0, START_CHARS)}[${left} more]${message.slice(-END_CHARS)}`;
  return whole.replace(CONTROL, (found) => {
    const escaped = JSON.stringify(found).slice(1, -1);
    return escaped.length > 1 ? escaped : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
