/** What a server wants to see before it answers (RFC 9110, section 11.6.1). */
interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** By names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const VALUE = /=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+)(?=[ \t]*(?:,|$)))/y;

/** Reads the values of all `WWW-Authenticate` headers, joined by commas. What cannot be read is left out. */
export function parseChallenges(text: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const skip = (pattern: RegExp): void => {
    pattern.lastIndex = at;
    pattern.exec(text);
    at = Math.max(at, pattern.lastIndex);
  };
  while (at < text.length) {
    skip(/[\s,]*/y);
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) {
      skip(/[^,]+|,/y);
      continue;
    }
    at += token.length;
    skip(/[ \t]*/y);
    if (text[at] !== "=") {
      challenges.push({ scheme: token.toLowerCase(), parameters: new Map() });
      continue;
    }
    VALUE.lastIndex = at;
    const value = VALUE.exec(text);
    // `Negotiate abc==`: nothing that we could answer.
    if (value === null) skip(/[^,]*/y);
    else at = VALUE.lastIndex;
    if (value !== null) {
      const content = value[1]?.replaceAll(/\\(.)/g, "$1") ?? value[2] ?? "";
      challenges.at(-1)?.parameters.set(token.toLowerCase(), content);
    }
  }
  return challenges;
}
