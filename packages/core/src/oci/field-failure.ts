import { OrlopError } from "../errors.ts";

/**
 * Thrown by field decoders and turned into an `OrlopError` by {@link decodeDocument}, which knows what the
 * document is. Never leaves this package.
 */
export class FieldFailure extends Error {
  override readonly name = "FieldFailure";
  /** `process.capabilities.bounding[2]`; empty for the document itself. */
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.path = path;
  }
}

/** The failure of a value that is not of the kind it must be. */
export function unexpected(path: string, found: unknown, expected: string): FieldFailure {
  return new FieldFailure(path, `found ${show(found)}, expected ${expected}`);
}

export function memberPath(parent: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${parent}[${JSON.stringify(shorten(name))}]`;
  return parent === "" ? name : `${parent}.${name}`;
}

export function elementPath(parent: string, index: number): string {
  return `${parent}[${index}]`;
}

/**
 * Runs `decode` and names the document in what goes wrong:
 * `Cannot decode OCI process "cwd": found "tmp", expected an absolute path`.
 *
 * @throws OrlopError `invalid`
 */
export function decodeDocument<T>(document: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof FieldFailure)) throw error;
    const place = error.path === "" ? "" : ` "${error.path}"`;
    throw new OrlopError("invalid", `Cannot decode ${document}${place}: ${error.message}`, {
      operation: `decode ${document}`,
      ...(error.path === "" ? {} : { field: error.path }),
      cause: error.cause,
    });
  }
}

/** A value as an error message quotes it: JSON, cut where it gets long. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return JSON.stringify(shorten(value));
  return String(value);
}

const SHOWN_LENGTH_MAX = 120;

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}...`;
}
