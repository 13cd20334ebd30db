import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { isTomlTable, parseToml, type TomlValue } from "../toml/parse-toml.ts";
import { pipeThrough } from "./pipe-through.ts";

/** A program that makes content of one media type of that of others (containerd, docs/stream_processors.md). */
export interface StreamProcessor {
  readonly id: string;
  readonly accepts: readonly string[];
  readonly returns: string;
  /** Or a name, which is looked for. */
  readonly path: string;
  readonly args: readonly string[];
  /** On top of this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where containerd's are configured. */
export const STREAM_PROCESSORS_FILE = "/etc/containerd/config.toml";

/** One behind the other: more are going in circles. */
const CHAIN_MAX = 8;

interface Stream {
  readonly mediaType: string;
  readonly chunks: AsyncIterable<Buffer>;
}

interface ProcessOptions {
  /** The layer's, for errors. */
  readonly name: string;
  readonly processors: readonly StreamProcessor[];
  readonly isWanted: (mediaType: string) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Has programs work on a layer until it is of a media type that is wanted.
 *
 * @throws OrlopError `unsupported` where no program takes the media type, or where they go in circles
 */
export function processStream(stream: Stream, { name, processors, isWanted, signal }: ProcessOptions): Stream {
  let { mediaType, chunks } = stream;
  for (let count = 0; !isWanted(mediaType); count++) {
    const processor = count < CHAIN_MAX ? processors.find(({ accepts }) => accepts.includes(mediaType)) : undefined;
    if (processor === undefined) {
      const circle = count < CHAIN_MAX ? "" : `, after ${CHAIN_MAX} stream processors`;
      throw new OrlopError("unsupported", `Cannot unpack layer "${name}": its media type is "${mediaType}"${circle}`);
    }
    const { path, args, returns } = processor;
    const env = { ...processEnvironment(), ...processor.env, STREAM_PROCESSOR_MEDIATYPE: mediaType };
    const options = {
      what: `unpack layer "${name}" of type "${mediaType}"`,
      ...(signal === undefined ? {} : { signal }),
    };
    chunks = pipeThrough(chunks, { path, args, env }, options);
    mediaType = returns;
  }
  return { mediaType, chunks };
}

function processEnvironment(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(process.env).filter((each): each is [string, string] => each[1] !== undefined),
  );
}

/**
 * The stream processors in a configuration of containerd's; none where there is no such file.
 *
 * @throws OrlopError
 */
export function readStreamProcessors(path: string): readonly StreamProcessor[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw systemFailure(`read configuration "${path}"`, cause);
  }
  const refused = (problem: string, cause?: unknown): OrlopError =>
    new OrlopError("invalid", `Cannot use configuration "${path}": ${problem}`, {
      operation: "read configuration",
      cause,
    });
  let section: TomlValue | undefined;
  try {
    section = parseToml(text).stream_processors;
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  const tables = section ?? {};
  if (!isTomlTable(tables)) throw refused("stream_processors is no table");
  return Object.entries(tables).map(([id, value]) => decode(id, value, refused));
}

const MEMBERS: ReadonlySet<string> = new Set(["accepts", "returns", "path", "args", "env"]);

function decode(id: string, value: TomlValue, refused: (problem: string) => OrlopError): StreamProcessor {
  const cannot = (problem: string): OrlopError => refused(`stream_processors.${JSON.stringify(id)}: ${problem}`);
  if (!isTomlTable(value)) throw cannot("it is no table");
  const unknown = Object.keys(value).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) throw cannot(`its member ${JSON.stringify(unknown)} is unknown`);
  const { accepts, returns, path, args = [], env = [] } = value;
  if (!isTexts(accepts) || accepts.length === 0) throw cannot("accepts is no list of media types");
  if (typeof returns !== "string" || returns === "") throw cannot("returns is no media type");
  if (typeof path !== "string" || path === "") throw cannot("path is no program");
  if (!isTexts(args)) throw cannot("args is no list of texts");
  if (!isTexts(env) || !env.every((each) => /^[^=]+=/.test(each))) throw cannot("env is no list of NAME=VALUE");
  const variables = env.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]);
  return { id, accepts, returns, path, args, env: Object.fromEntries(variables) };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
