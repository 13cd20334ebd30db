import assert from "node:assert/strict";
import { OrlopError, type Process, type WindowSize } from "@orlop/core";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { findUser } from "../run/container-user.ts";
import { mergeEnvironment, type Variable } from "../run/environment.ts";

interface ExecOptions {
  readonly words: readonly string[];
  readonly terminal: boolean;
  readonly variables: readonly Variable[];
  /** Absent: the container's. */
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly privileged: boolean;
  /** Of the container's init; there where a user is named, who is looked up in it. */
  readonly pid: number | undefined;
  /** Those that a container can be given. */
  readonly capabilities: ReadonlySet<string>;
  readonly windowSize: WindowSize | undefined;
}

/** The process of an exec: the container's own, with what was asked for instead. @throws OrlopError `invalid` */
export function execProcess(own: Process, options: ExecOptions): Process {
  const { terminal, words, variables, workdir, windowSize } = options;
  const { consoleSize: _size, ...rest } = own;
  const term = terminal ? [{ name: "TERM", value: "xterm" }] : [];
  if (workdir !== undefined && !workdir.startsWith("/")) {
    throw new OrlopError("invalid", `Cwd must be an absolute path: ${JSON.stringify(workdir)}`, { field: "workdir" });
  }
  return {
    ...rest,
    terminal,
    ...(terminal && windowSize !== undefined
      ? { consoleSize: { height: windowSize.rows, width: windowSize.columns } }
      : {}),
    args: words,
    env: mergeEnvironment(own.env ?? [], [...term, ...variables]),
    cwd: workdir ?? own.cwd,
    ...userOf(own, options),
  };
}

function userOf(own: Process, options: ExecOptions): Pick<Process, "user" | "capabilities"> {
  const names = options.privileged ? [...options.capabilities] : (own.capabilities?.bounding ?? []);
  if (options.user === undefined && !options.privileged) {
    return { user: own.user, ...(own.capabilities === undefined ? {} : { capabilities: own.capabilities }) };
  }
  const { uid, gid, additionalGids } = options.user === undefined ? { ...own.user } : lookUp(options.user, options.pid);
  // As for a container: who is not root has none to begin with.
  const capabilities = uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names };
  const { umask } = own.user;
  return {
    user: {
      uid,
      gid,
      ...(umask === undefined ? {} : { umask }),
      ...(additionalGids === undefined || additionalGids.length === 0 ? {} : { additionalGids }),
    },
    capabilities,
  };
}

/** passwd(5) and group(5) are read up to here. */
const ACCOUNT_FILE_MAX_BYTES = 1024 * 1024;

/** In the files of the container as they are now; no link in it leads out of it. */
function lookUp(user: string, pid: number | undefined): ReturnType<typeof findUser> {
  assert(pid !== undefined, "a user is looked up in a container that runs");
  using root = new RootDirectory(`/proc/${pid}/root`);
  const read = (path: string): string => root.readFile(path, ACCOUNT_FILE_MAX_BYTES)?.toString("utf8") ?? "";
  return findUser(user, { passwd: read("/etc/passwd"), group: read("/etc/group") });
}
