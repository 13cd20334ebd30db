/** What the bundler leaves of other characters stands in strings and regular expressions, where an escape means the same. */
export function asciiOnly(text: string): string {
  return text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
