// table: what OCI runtimes say, and which kind of failure it is
import { type ErrorCode, OrlopError } from "@orlop/core";

/**
 * The words of runc, crun, youki and runsc, the most particular first. They have no codes; containerd, CRI-O and docker
 * tell failures apart by the same words.
 */
const WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/executable file .*not found/i, "executable-not-found"],
  [/exec(utable)?\b.*: no such file or directory/i, "executable-not-found"],
  [/exec(utable)?\b.*: (permission denied|exec format error|is a directory|not executable)/i, "executable-refused"],
  [/open executable: /i, "executable-refused"],
  [/already exists|in use|exists already/i, "exists"],
  [/container.* does not exist|does not exist.*container|error opening file .*status.*no such file/i, "not-found"],
  [/not running|already finished|no such process|not paused|cannot (start|pause|resume|exec)|stopped/i, "conflict"],
  [/permission denied|operation not permitted|rootless/i, "denied"],
  [/no such file or directory/i, "not-found"],
  [/not supported|not implemented|unknown (command|flag)|function not implemented/i, "unsupported"],
  [/invalid|cannot unmarshal|must be/i, "invalid"],
];

/** The kind of failure that these words tell of; `failed` when no row knows them. */
export function codeOfWords(words: string): ErrorCode {
  return WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? "failed";
}

/** An error in the words of the other runtime. `doing` is a verb phrase with its object: `create container "x"`. */
export function ociFailure(doing: string, words: string | undefined, fallback: string): OrlopError {
  const said = words ?? fallback;
  return new OrlopError(words === undefined ? "failed" : codeOfWords(said), `Cannot ${doing}: ${said}`, {
    operation: doing.split(" ", 1)[0] ?? doing,
  });
}

/** The message of the last error in a log that was asked for as JSON, one object a line. */
export function lastLoggedError(log: string): string | undefined {
  for (const line of log.split("\n").toReversed()) {
    const entry = parseLine(line);
    if (entry === undefined) continue;
    const { level, msg } = entry;
    if (typeof msg === "string" && (level === "error" || level === "fatal" || level === "panic")) return msg.trim();
  }
  return undefined;
}

function parseLine(line: string): { readonly level?: unknown; readonly msg?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
