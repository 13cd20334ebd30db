import { OrlopError } from "@orlop/core";
import type { ContainerLog, LogDetails } from "@orlop/engine";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { parseByteSize } from "./byte-size.ts";
import { logTag } from "./log-tag.ts";

const LOG_FILES_MAX = 1000;

type FileLog = Omit<Extract<ContainerLog, { driver: "file" }>, "driver">;

/** `--log-driver` and `--log-opt`. Undefined where nothing is said. @throws OrlopError */
export function readLog(flags: ParsedFlags): ContainerLog | undefined {
  const driver = flags.text("log-driver");
  const options = flags.parseAll("log-opt", parseLogOption);
  if (driver === "none" || driver === "passthrough") {
    if (options.length === 0) return { driver };
    throw new OrlopError("invalid", `Cannot use flag "--log-opt": log driver "${driver}" has no options`);
  }
  if (driver === undefined && options.length === 0) return undefined;
  if (driver !== undefined && !["file", "json-file", "local", "k8s-file"].includes(driver)) {
    const what = "there are file (json-file, local and k8s-file mean the same), passthrough and none";
    throw new OrlopError("unsupported", `Cannot use log driver ${JSON.stringify(driver)}: ${what}`);
  }
  const details: LogDetails = Object.assign({}, ...options.map((each) => each.details ?? {}));
  const file: FileLog = Object.assign({}, ...options);
  return { driver: "file", ...file, ...(Object.keys(details).length === 0 ? {} : { details }) };
}

const NAMES = "max-size, max-file, labels, labels-regex, env, env-regex and tag";

/** Docker's and podman's that are refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  compress: "files that were rotated out stay as they are",
  mode: "a container waits where its log cannot be written as fast, and loses nothing",
  "max-buffer-size": "nothing is kept in memory",
  path: "a log is among what belongs to its container",
};

function parseLogOption(text: string): FileLog {
  const [, name = text, value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  switch (name) {
    case "max-size":
      return { maxSizeBytes: parseByteSize(value) };
    case "max-file":
      return { maxFiles: parseFiles(value) };
    case "labels":
      return { details: { labels: parseList(value) } };
    case "env":
      return { details: { env: parseList(value) } };
    case "labels-regex":
      return { details: { labelsRegex: parsePattern(value) } };
    case "env-regex":
      return { details: { envRegex: parsePattern(value) } };
    case "tag":
      return { details: { tag: parseTag(value) } };
    default: {
      const why = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
      throw new OrlopError("unsupported", why ?? `there are ${NAMES}, and not ${JSON.stringify(name)}`);
    }
  }
}

function parseFiles(value: string): number {
  const files = /^\d+$/.test(value) ? Number(value) : 0;
  if (files >= 1 && files <= LOG_FILES_MAX) return files;
  throw new OrlopError("invalid", `max-file is a number from 1 to ${LOG_FILES_MAX}`);
}

function parseList(value: string): readonly string[] {
  return value.split(",").filter((each) => each !== "");
}

function parsePattern(value: string): string {
  try {
    return new RegExp(value).source;
  } catch (cause) {
    throw new OrlopError("invalid", `it is no regular expression: ${JSON.stringify(value)}`, { cause });
  }
}

/** A template that is none is told of now, and not when somebody reads the log. */
function parseTag(value: string): string {
  logTag(value, { ID: "", FullID: "", Name: "", ImageID: "", ImageFullID: "", ImageName: "" });
  return value;
}
