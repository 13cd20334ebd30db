import type { ErrorCode, OrlopError } from "@orlop/core";
import { toldText } from "./told-text.ts";

/**
 * Words that callers look for in what a runtime says, runc's all of them; undefined: nobody does.
 *
 * containerd's shim takes "container not running", "process already finished" and "no such process" after a kill for
 * success, and "does not exist" for a container that is gone, as CRI-O and podman do. dockerd and podman make exit code
 * 127 of "executable file not found" and "no such file or directory", and 126 of "permission denied".
 */
type Words = Readonly<Record<ErrorCode, string | undefined>>;

/** Where the object of the error is no container: a file, a field of the config, a flag. */
const GENERAL: Words = {
  invalid: undefined,
  "not-found": "no such file or directory",
  exists: undefined,
  conflict: undefined,
  denied: "permission denied",
  unsupported: undefined,
  exhausted: undefined,
  cancelled: undefined,
  "executable-not-found": "executable file not found in $PATH",
  "executable-refused": "permission denied",
  failed: undefined,
  internal: undefined,
};

/** Where it is one. */
const CONTAINER: Words = {
  ...GENERAL,
  "not-found": "container does not exist",
  exists: "container with given ID already exists",
  denied: undefined,
};

/** A verb that found its container in the wrong state says so itself, but for a container that stops meanwhile. */
const CONFLICTS: Readonly<Record<string, string>> = { kill: "container not running" };

/** Where runc's words depend on more than the code: the operation with which an error came, and its field. */
interface Rule {
  readonly field: RegExp;
  /** Of any, if absent. */
  readonly operation?: RegExp;
  readonly words: (operation: string, errno: string | undefined) => string | undefined;
}

const RULES: readonly Rule[] = [
  { field: /^linux\.memoryPolicy\.mode\b/, words: () => "invalid memory policy mode" },
  { field: /^linux\.memoryPolicy\.flags\b/, words: () => "invalid memory policy flag" },
  { field: /^linux\.memoryPolicy\.nodes\b/, words: () => "invalid memory policy node" },
  { field: /^linux\.resources\.unified\b/, words: () => "invalid configuration" },
  {
    field: /^process\.scheduler$/,
    operation: /SCHED_DEADLINE$/,
    words: (_operation, errno) =>
      errno === "EPERM" ? "process scheduler can't be used together with AllowedCPUs" : undefined,
  },
  {
    field: /^process\.cwd$/,
    operation: /^change to directory "/,
    words: (operation) => `chdir to cwd (${/"(.*)"/.exec(operation)?.[0]}) set in config.json failed`,
  },
  {
    field: /^process\.args\[0\]$/,
    operation: /^find the interpreter of "/,
    words: (operation) => `exec ${/"(.*)"/.exec(operation)?.[1]}: no such file or directory`,
  },
  {
    field: /^linux\.cgroupsPath$/,
    // A cgroup that a process would be cloned into, or the file of one that it would write itself to.
    operation: /^open (?:cgroup ".*"|".*\/(?:tasks|cgroup\.procs)")$/,
    words: (operation) => {
      const directory = /^open (?:cgroup "(.*)"|"(.*)\/.*")$/.exec(operation)?.slice(1).join("");
      return `error adding pid to ${directory}/cgroup.procs: no such file or directory`;
    },
  },
  {
    field: /^linux\.resources\.memory\.checkBeforeUpdate$/,
    words: (operation) => `rejecting ${operation.endsWith("swap") ? "memory+swap" : "memory"} limit`,
  },
  {
    field: /^linux\.cgroupsPath$/,
    operation: /^start a process in cgroup "/,
    words: (_operation, errno) =>
      `error adding pid of the process to cgroups${errno === "EBUSY" ? ": device or resource busy" : ""}`,
  },
];

/** Where hooks of a kind stand in a config, by which runc says which of them failed. */
const HOOK_FIELD = /^hooks\.(\w+)\[(\d+)\]/;

/**
 * The message of an error with its field and the words that callers look for, unless it has them already: they stand in
 * parentheses behind its first line.
 */
export function callerMessage(verb: string, error: OrlopError): string {
  const { code, operation, errno, field } = error;
  const message = withWords(toldText(error.message), field);
  const [, kind, index] = HOOK_FIELD.exec(field ?? "") ?? [];
  if (kind !== undefined && /\bhook\b/.test(operation ?? "")) {
    // The words of runc 1.2, then of 1.1.
    return withWords(`error running ${kind} hook #${index}: ${message}`, "error running hook");
  }
  const rule = RULES.find((each) => each.field.test(field ?? "") && (each.operation?.test(operation ?? "") ?? true));
  if (rule !== undefined) return withWords(message, rule.words(operation ?? "", errno));
  // What the kernel refused has the errno's words, and these are the ones that matter.
  if (errno !== undefined && code !== "executable-not-found") return message;
  if (field !== undefined || !/container/.test(operation ?? message)) return withWords(message, GENERAL[code]);
  return withWords(message, code === "conflict" ? CONFLICTS[verb] : CONTAINER[code]);
}

function withWords(message: string, words: string | undefined): string {
  if (words === undefined || message.includes(words)) return message;
  const [first = "", ...others] = message.split("\n");
  return [`${first} (${words})`, ...others].join("\n");
}

/** runc's: a failed exec ends with a code that the executed program hardly ever has. */
const EXEC_FAILED = 255;

/** The exit code of a verb that failed, whatever it failed at. */
export function failureExitCode(verb: string): number {
  return verb === "exec" ? EXEC_FAILED : 1;
}
