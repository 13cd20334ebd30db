import { execFile } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { OrlopError } from "@orlop/core";
import { findProgram, readCgroupLayout } from "@orlop/kernel";
import { hostEnvironment } from "../host-environment.ts";
import { lastLoggedError, ociFailure } from "./oci-failure.ts";

/** A verb that takes longer has hung: the runtimes' own waits are shorter. */
const VERB_TIME_MAX_MS = 60_000;
/** Of what a verb prints; a list of processes is the longest. */
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

/** The command line of an OCI runtime. */
export class OciBinary {
  readonly path: string;
  /** Where it keeps its own state. */
  readonly #root: string;
  /** Mounts that it must not see. */
  readonly hidden: readonly string[];

  /** @throws OrlopError `not-found` */
  constructor(name: string, root: string) {
    const path = findProgram(name);
    if (path === undefined) {
      throw new OrlopError(
        "not-found",
        `Cannot find runtime "${name}": no such program on PATH\n` +
          "Try installing it (on Debian: apt install runc, or crun), or give its absolute path: oci:/path/to/runtime.",
      );
    }
    this.path = path;
    this.#root = root;
    this.hidden = hiddenFrom(path);
  }

  /** Where it keeps what it knows of a container. */
  stateOf(id: string): string {
    return join(this.#root, id);
  }

  /** What is executed for a verb; what goes wrong is written to the file `log`. */
  command(log: string, ...words: readonly string[]): readonly [string, ...string[]] {
    return [this.path, "--root", this.#root, "--log", log, "--log-format", "json", ...words];
  }

  /** Runs a verb to its end and gives what it printed. `doing` names it in an error. */
  async run(doing: string, log: string, ...words: readonly string[]): Promise<string> {
    const [file, ...args] = withoutMounts(this.hidden, this.command(log, ...words));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = {
      timeout: VERB_TIME_MAX_MS,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_MAX_BYTES,
      env: hostEnvironment(),
      cwd: "/",
    } as const;
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(verbFailure(doing, error.killed === true, log, stderr));
    });
    try {
      return await promise;
    } finally {
      rmSync(log, { force: true });
    }
  }
}

function verbFailure(doing: string, late: boolean, log: string, stderr: string): OrlopError {
  if (late) return new OrlopError("failed", `Cannot ${doing}: the runtime did not answer in ${VERB_TIME_MAX_MS} ms`);
  const said = stderr.trim();
  return ociFailure(doing, readLoggedError(log) ?? (said === "" ? undefined : said), "the runtime did not say why");
}

/** What went wrong, by the runtime's log; undefined where there is none. */
export function readLoggedError(log: string): string | undefined {
  try {
    return lastLoggedError(readFileSync(log, "utf8"));
  } catch {
    return undefined;
  }
}

/** crun refuses a machine with cgroups of both versions unless it sees only those of the first. */
function hiddenFrom(path: string): readonly string[] {
  if (!basename(path).startsWith("crun")) return [];
  const layout = readCgroupLayout();
  return layout.mode === "hybrid" && layout.v2 !== undefined ? [layout.v2.mountPoint] : [];
}

/** Mounts still arrive from the host, and none goes back. */
function withoutMounts(
  hidden: readonly string[],
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  if (hidden.length === 0) return command;
  const script = `${hidden.map((path) => `umount '${path}'`).join(" && ")} && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, "sh", ...command];
}
