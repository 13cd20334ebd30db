import { elementPath, FieldFailure, memberPath } from "./field-failure.ts";

/** What one JSON document may be at most; every decoder of this folder keeps to it. */
export const JSON_LIMITS = {
  /** Of the text: bytes of a `Uint8Array`, UTF-16 units of a string. Registries cap manifests at the same size. */
  textSizeMaxBytes: 4_194_304,
  /** Objects and lists inside each other. A config.json of the spec needs 7. */
  nestingDepthMax: 64,
  /** Entries of a list and members of a map. */
  listLengthMax: 65_536,
} as const;

/**
 * Parses JSON text from outside.
 *
 * Differs from `JSON.parse` in three ways. Integers that a double cannot hold arrive as `bigint`, as long as they
 * fit 64 bits (2^64 - 1 is how a config says RLIM_INFINITY). A member that stands twice in one object is refused
 * (RFC 7493, section 2.3): two readers of the same file would see different configs. The limits above are refused
 * before anything of their size is built.
 *
 * @throws FieldFailure
 */
export function parseJson(input: string | Uint8Array): unknown {
  if (input.length > JSON_LIMITS.textSizeMaxBytes) {
    const found = `the text has ${input.length} bytes`;
    throw new FieldFailure("", `${found}, textSizeMaxBytes is ${JSON_LIMITS.textSizeMaxBytes}`);
  }
  const text = typeof input === "string" ? input : utf8(input);
  const duplicate = inspect(text);
  const value = parse(text);
  // Only now, because the inspection of a text that is no JSON at all means nothing.
  if (duplicate !== undefined) throw new FieldFailure(duplicate, "the member stands twice in its object");
  return value;
}

/**
 * Parses JSON text that {@link stringifyJson} wrote and nobody else can have changed, such as a row of our own database:
 * `bigint`s come back as they were, and nothing else is checked.
 *
 * @throws SyntaxError
 */
export function parseOwnJson(text: string): unknown {
  // A reviver costs five times the parse itself, and few documents have a number that needs it.
  return /\d{16}/.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
}

/** JSON text of a value that the decoders of this folder made; `bigint`s become plain integers. */
export function stringifyJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, member) => (typeof member === "bigint" ? rawJson(String(member)) : member),
    indent,
  );
}

// In V8 since 11.4; TypeScript 5.9 has no declaration of it.
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** A byte order mark stays in the text, so that `JSON.parse` refuses it as other runtimes do. */
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new FieldFailure("", "the text is not valid UTF-8", cause);
  }
}

function parse(text: string): unknown {
  try {
    return parseOwnJson(text);
  } catch (cause) {
    throw new FieldFailure("", `the text is not JSON: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

/** Longer integers than this many characters fit neither int64 nor uint64 and stay doubles, which are refused later. */
const INTEGER_LENGTH_MAX = 20;

function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  const exact = source !== undefined && source.length <= INTEGER_LENGTH_MAX && /^-?\d+$/.test(source);
  return exact ? BigInt(source) : value;
}

/** One object or list that the inspection is inside of. */
interface Level {
  /** Names seen so far; absent for a list. */
  readonly names: Set<string> | undefined;
  readonly path: string;
  /** The member or element that comes now. */
  key: string;
  index: number;
}

/**
 * Walks over the brackets, commas and strings of the text and returns the path of the first duplicate member.
 * Before the parse, because the reviver recurses: a deep document would overflow the stack.
 */
function inspect(text: string): string | undefined {
  const levels: Level[] = [];
  let duplicate: string | undefined;
  let string = "";
  const structure = /["[\]{},:]/g;
  for (let match = structure.exec(text); match !== null; match = structure.exec(text)) {
    const level = levels.at(-1);
    switch (match[0]) {
      case '"': {
        const end = stringEnd(text, match.index);
        string = text.slice(match.index, end + 1);
        structure.lastIndex = end + 1;
        break;
      }
      case ":":
        if (level?.names === undefined) break;
        level.key = unquote(string);
        if (level.names.has(level.key)) duplicate ??= memberPath(level.path, level.key);
        level.names.add(level.key);
        break;
      case ",":
        if (level !== undefined) level.index++;
        break;
      case "{":
      case "[": {
        const path = level === undefined ? "" : childPath(level);
        if (levels.length === JSON_LIMITS.nestingDepthMax) {
          throw new FieldFailure(path, `nested deeper than nestingDepthMax, which is ${JSON_LIMITS.nestingDepthMax}`);
        }
        const names = match[0] === "{" ? new Set<string>() : undefined;
        levels.push({ names, path, key: "", index: 0 });
        break;
      }
      case "}":
      case "]":
        levels.pop();
    }
  }
  return duplicate;
}

function childPath(level: Level): string {
  return level.names === undefined ? elementPath(level.path, level.index) : memberPath(level.path, level.key);
}

/** The index of the quote that ends the string which begins at `start`; the end of the text if there is none. */
function stringEnd(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

function unquote(string: string): string {
  if (!string.includes("\\")) return string.slice(1, -1);
  try {
    return String(JSON.parse(string));
  } catch {
    // Not JSON; the parse that follows says so.
    return string;
  }
}
