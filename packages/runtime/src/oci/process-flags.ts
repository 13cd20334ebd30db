import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OrlopError, type Process } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";
import type { OciProcessOptions } from "./oci-containers.ts";

/** Flags of every verb that starts a process. */
export const PROCESS_FLAGS: readonly Flag[] = [
  {
    name: "console-socket",
    kind: "text",
    value: "SOCKET",
    help: "Unix socket that receives the terminal of the process",
  },
  {
    name: "pidfd-socket",
    kind: "text",
    value: "SOCKET",
    help: "Unix socket that receives a pidfd of the process",
  },
  { name: "pid-file", kind: "text", value: "FILE", help: "File to write the process id to" },
  {
    name: "preserve-fds",
    kind: "integer",
    value: "N",
    help: "Pass on N more descriptors than the standard ones",
  },
];

/** podman's `--group-add keep-groups`, which crun began with. */
const KEEP_GROUPS_ANNOTATION = "run.oci.keep_original_groups";

/** A process that the flags above are about. */
interface FlaggedProcess {
  readonly process: Process;
  /** Of its container. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly isDetached: boolean;
}

/** @throws OrlopError `invalid` for a console socket without use, or a terminal without one */
export function decodeProcessFlags(
  call: Call,
  given: GivenArguments,
  { process, annotations = {}, isDetached }: FlaggedProcess,
): OciProcessOptions {
  const consoleSocket = socketPath(call, given, "console-socket");
  const pidfdSocket = socketPath(call, given, "pidfd-socket");
  checkTerminal(call, process.terminal === true, isDetached, consoleSocket);
  const pidFile = given.filledText("pid-file");
  const preserveFds = given.integer("preserve-fds") ?? 0;
  if (preserveFds < 0 || preserveFds > PRESERVED_MAX) {
    throw new OrlopError("invalid", `Cannot preserve ${preserveFds} descriptors: there are 0 to ${PRESERVED_MAX}`);
  }
  return {
    preserveFds,
    keepGroups: annotations[KEEP_GROUPS_ANNOTATION] === "1",
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    ...(pidFile === undefined ? {} : { announce: pidFileWriter(callPath(call, pidFile), call.umask) }),
  };
}

/** The hard limit of descriptors that Linux has by default (fs.nr_open). */
const PRESERVED_MAX = 1_048_576;

function socketPath(call: Call, given: GivenArguments, name: string): string | undefined {
  const path = given.filledText(name);
  return path === undefined ? undefined : callPath(call, path);
}

/** In runc's words. */
function checkTerminal(
  { name }: Call,
  terminal: boolean,
  isDetached: boolean,
  consoleSocket: string | undefined,
): void {
  const problem =
    isDetached && terminal && consoleSocket === undefined
      ? `cannot allocate tty if ${name} will detach without setting console socket: use --console-socket`
      : consoleSocket !== undefined && !(isDetached && terminal)
        ? `cannot use console socket if ${name} will not detach or allocate tty`
        : undefined;
  if (problem !== undefined) throw new OrlopError("invalid", problem, { field: "process.terminal" });
}

/** Writes the file in one step, so that whoever waits for it never reads a half. */
function pidFileWriter(path: string, umask: number): (pid: number) => void {
  return (pid) => {
    const unfinished = join(dirname(path), `.${basename(path)}.${pid}`);
    try {
      writeFileSync(unfinished, String(pid), { flag: "wx", mode: 0o666 & ~umask });
    } catch (error) {
      throw systemFailure(`write pid file "${path}"`, error);
    }
    try {
      renameSync(unfinished, path);
    } catch (error) {
      unlinkSync(unfinished);
      throw systemFailure(`write pid file "${path}"`, error);
    }
  };
}
