import { readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";

/** What is asked for one variable: a value, or (undefined) that it is not set, whatever the image says. */
export interface Variable {
  readonly name: string;
  readonly value: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `NAME=VALUE`, or `NAME` for what it is in the caller's environment; a variable that is not set there is taken out.
 *
 * @throws OrlopError `invalid`
 */
export function parseVariable(text: string, caller: Environment): Variable {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") throw new OrlopError("invalid", `invalid environment variable: ${text}`);
  if (text.includes("\0")) throw new OrlopError("invalid", `invalid environment variable: ${name} has a zero byte`);
  return { name, value: equals < 0 ? caller[name] : text.slice(equals + 1) };
}

/** Bytes; what Go's line scanner, and so docker, takes. */
const LINE_LENGTH_MAX = 65_536;

/**
 * Reads a file in docker's format: a variable a line, as {@link parseVariable}; empty lines and those that begin with
 * `#` are skipped, leading white space is dropped, and quotes are part of the value.
 *
 * @throws OrlopError
 */
export function readEnvironmentFile(path: string, caller: Environment): readonly Variable[] {
  return parseEnvironmentFile(readText(path), path, caller);
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(caller().path(path));
  } catch (cause) {
    throw systemFailure(`read environment file "${path}"`, cause);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OrlopError("invalid", `Cannot read environment file "${path}": it is not UTF-8`, { cause });
  }
}

function parseEnvironmentFile(text: string, path: string, caller: Environment): readonly Variable[] {
  const refuse = (line: number, what: string): never => {
    throw new OrlopError("invalid", `Cannot read environment file "${path}": line ${line}: ${what}`);
  };
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) return [];
    if (line.length > LINE_LENGTH_MAX) refuse(index + 1, `it is longer than ${LINE_LENGTH_MAX} characters`);
    const name = line.split("=", 1)[0] ?? "";
    if (name === "") refuse(index + 1, "no variable name");
    if (/\s/.test(name)) refuse(index + 1, `variable '${name}' contains whitespaces`);
    if (line.includes("\0")) refuse(index + 1, `variable '${name}' has a zero byte`);
    const variable = parseVariable(line, caller);
    // Unlike on the command line, a name alone that is not set here changes nothing.
    return !line.includes("=") && variable.value === undefined ? [] : [variable];
  });
}

/** `NAME=VALUE` of the base with the variables set over it, each at the place where its name first stands. */
export function mergeEnvironment(base: readonly string[], variables: readonly Variable[]): readonly string[] {
  const merged = new Map<string, string>();
  for (const entry of base) {
    const equals = entry.indexOf("=");
    if (equals > 0) merged.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  for (const { name, value } of variables) {
    if (value === undefined) merged.delete(name);
    else merged.set(name, value);
  }
  return [...merged].map(([name, value]) => `${name}=${value}`);
}
