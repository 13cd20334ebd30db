import { posix } from "node:path";
import { type ImageExecutionConfig, OrlopError, type StringSet } from "@orlop/core";
import { expandWord, splitWords } from "./change-words.ts";
import { parseHealthInstruction } from "./health-instruction.ts";

/** What instructions set of an image's config; members that are absent are not set. */
export type ChangedConfig = Pick<
  ImageExecutionConfig,
  | "Cmd"
  | "Entrypoint"
  | "Env"
  | "ExposedPorts"
  | "Healthcheck"
  | "Labels"
  | "OnBuild"
  | "Shell"
  | "StopSignal"
  | "User"
  | "Volumes"
  | "WorkingDir"
>;

/**
 * An image's config after instructions of a Dockerfile, one after the other. As with docker, an entry point takes a command
 * away that none of the instructions has set.
 *
 * @throws OrlopError `invalid`; `unsupported` for what docker does not take here either
 */
export function applyChanges(config: ChangedConfig, changes: readonly string[]): ChangedConfig {
  let after = config;
  let isCommandSet = false;
  for (const text of changes) {
    const [, word = "", rest = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(text) ?? [];
    const name = word.toUpperCase();
    const apply = INSTRUCTIONS.get(name);
    if (apply === undefined) throw refused(text);
    if (rest === "") throw new OrlopError("invalid", `Cannot use change "${text}": ${name} sets nothing`);
    const set = apply(rest, after);
    after = { ...after, ...set };
    isCommandSet ||= name === "CMD";
    if (name === "ENTRYPOINT" && !isCommandSet) after = withoutCommand(after);
  }
  return after;
}

function withoutCommand({ Cmd: _, ...others }: ChangedConfig): ChangedConfig {
  return others;
}

type Apply = (text: string, config: ChangedConfig) => ChangedConfig;

const INSTRUCTIONS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ["CMD", (text, config) => ({ Cmd: commandOf(text, config) })],
  ["ENTRYPOINT", (text, config) => ({ Entrypoint: commandOf(text, config) })],
  ["ENV", (text, config) => ({ Env: [...merged(variablesOf(config), pairs("ENV", text, config))].map(joined) })],
  ["EXPOSE", (text, config) => ({ ExposedPorts: added(config.ExposedPorts, words(text, config).flatMap(portsOf)) })],
  ["HEALTHCHECK", (text) => ({ Healthcheck: parseHealthInstruction(text) })],
  [
    "LABEL",
    (text, config) => ({
      Labels: Object.fromEntries(merged(Object.entries(config.Labels ?? {}), pairs("LABEL", text, config))),
    }),
  ],
  ["ONBUILD", (text, config) => ({ OnBuild: [...(config.OnBuild ?? []), triggerOf(text)] })],
  ["STOPSIGNAL", (text, config) => ({ StopSignal: expandWord(text, variablesOf(config)) })],
  ["USER", (text, config) => ({ User: expandWord(text, variablesOf(config)) })],
  ["VOLUME", (text, config) => ({ Volumes: added(config.Volumes, listOf(text) ?? words(text, config)) })],
  [
    "WORKDIR",
    (text, config) => ({
      WorkingDir: posix.resolve("/", config.WorkingDir ?? "", expandWord(text, variablesOf(config))),
    }),
  ],
]);

function refused(text: string): OrlopError {
  const known = [...INSTRUCTIONS.keys()].join(", ");
  return new OrlopError("unsupported", `Cannot use change "${text}": there are ${known}`);
}

/** A list in JSON, or a line for the shell. */
function commandOf(text: string, { Shell = ["/bin/sh", "-c"] }: ChangedConfig): readonly string[] {
  return listOf(text) ?? [...Shell, text];
}

function listOf(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((each) => typeof each === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

function words(text: string, config: ChangedConfig): readonly string[] {
  return splitWords(text, variablesOf(config));
}

function variablesOf({ Env = [] }: ChangedConfig): ReadonlyMap<string, string> {
  return new Map(Env.map(splitPair));
}

type Pair = readonly [name: string, value: string];

function splitPair(text: string): Pair {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

function joined([name, value]: Pair): string {
  return `${name}=${value}`;
}

/** `NAME=VALUE ...`, or `NAME VALUE` with any blanks in the value. */
function pairs(instruction: string, text: string, config: ChangedConfig): readonly Pair[] {
  const [, first = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (first.includes("=")) {
    const found = words(text, config);
    const bad = found.find((word) => word.indexOf("=") <= 0);
    if (bad === undefined) return found.map(splitPair);
    throw new OrlopError("invalid", `Cannot use change "${instruction} ${text}": "${bad}" is not NAME=VALUE`);
  }
  if (rest !== "") return [[first, expandWord(rest, variablesOf(config))]];
  throw new OrlopError("invalid", `Cannot use change "${instruction} ${text}": it has no value`);
}

/** Each at the place where its name first stands. */
function merged(before: Iterable<Pair>, more: readonly Pair[]): ReadonlyMap<string, string> {
  return new Map([...before, ...more]);
}

function added(before: StringSet = {}, more: readonly string[]): StringSet {
  return { ...before, ...Object.fromEntries(more.map((each) => [each, {}])) };
}

const PORT_MAX = 65_535;

/** `80`, `80/udp`, `80-82/tcp`. */
function portsOf(text: string): readonly string[] {
  const [, first = "", last = first, protocol = "tcp"] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from === 0 || to < from || to > PORT_MAX) {
    throw new OrlopError("invalid", `Cannot use change "EXPOSE ${text}": it is PORT[-PORT][/tcp|udp|sctp]`);
  }
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}

/** For whoever builds on the image. */
function triggerOf(text: string): string {
  const name = /^\S*/.exec(text)?.[0].toUpperCase() ?? "";
  if (!["FROM", "MAINTAINER", "ONBUILD"].includes(name)) return text;
  throw new OrlopError("invalid", `Cannot use change "ONBUILD ${text}": ${name} is no trigger`);
}
