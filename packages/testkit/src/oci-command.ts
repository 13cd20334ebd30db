import { execFile, spawn } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { OrlopError } from "@orlop/core";
import type {
  DifferentialBundle,
  DifferentialResult,
  DifferentialRuntime,
} from "./differential/differential-runtime.ts";
import { parseMountinfo } from "./mountinfo.ts";
import { patience } from "./patience.ts";

/** A container that has not ended by then has failed. */
const runTimeMaxMs = patience(30_000);

export interface OciCommandOptions {
  /** The program: `runc`, `crun`, `youki`. Also what the runtime is called in reports. */
  readonly command: string;
  /** For the program's `--root`; one of its own. */
  readonly stateDirectory: string;
  /** The program refuses hybrid cgroups, as crun does: show it a pure v1 tree on such a machine. */
  readonly hideUnifiedCgroups?: boolean;
}

const unifiedMountPoint = "/sys/fs/cgroup/unified";

function hasHybridCgroups(): boolean {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).some(
    ({ mountPoint }) => mountPoint === unifiedMountPoint,
  );
}

/**
 * The arguments run in a mount namespace without cgroup v2's tree. Mounts arrive from the host as before and none goes
 * back: with `shared` the unmount would reach the host.
 */
function withoutUnified(argv: readonly string[]): readonly string[] {
  const script = `umount ${unifiedMountPoint} && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, "sh", ...argv];
}

function shellQuote(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** The size of the terminal that the runtime itself runs in, and hands on where the config names none. */
export const OUTER_TERMINAL_SIZE = { height: 30, width: 90 } as const;

/** Runs under a terminal of util-linux's script(1), which passes on the output and the exit status. */
function underTerminal(argv: readonly string[]): readonly string[] {
  const { height, width } = OUTER_TERMINAL_SIZE;
  const command = `stty rows ${height} cols ${width}; exec ${argv.map(shellQuote).join(" ")}`;
  return ["script", "--quiet", "--return", "--flush", "--command", command, "/dev/null"];
}

interface Ended {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
}

interface StandardFiles {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Standard input and output are files: the container inherits their descriptors, and no pipe can fill up. /dev/null
 * would be wrong: a runtime gives it to the container's user, and it is the host's.
 *
 * Under a terminal the input is a pipe that stays open, because script(1) types an end-of-file character at its end.
 */
async function runWithFiles([file = "", ...args]: readonly string[], files: StandardFiles, terminal: boolean) {
  const descriptors = [openSync(files.stdin, "a+"), openSync(files.stdout, "w"), openSync(files.stderr, "w")] as const;
  const [stdin, stdout, stderr] = descriptors;
  const child = spawn(file, args, { stdio: [terminal ? "pipe" : stdin, stdout, stderr] });
  const timer = setTimeout(() => child.kill("SIGKILL"), runTimeMaxMs);
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        const exitCode = code ?? 128 + osConstants.signals[signal ?? "SIGKILL"];
        resolve({ exitCode, signal: signal ?? undefined });
      });
    });
  } finally {
    clearTimeout(timer);
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** An OCI runtime that is a program on this machine, run as `<command> --root <dir> run --bundle <bundle> <id>`. */
export function ociCommand(options: OciCommandOptions): DifferentialRuntime {
  const { command, stateDirectory } = options;
  const isolated = (options.hideUnifiedCgroups ?? false) && hasHybridCgroups();
  const commandLine = (...args: readonly string[]): readonly string[] => {
    const argv = [command, "--root", stateDirectory, ...args];
    return isolated ? withoutUnified(argv) : argv;
  };

  async function removeLeftover(id: string): Promise<void> {
    if (!existsSync(join(stateDirectory, id))) return;
    const [file = "", ...args] = commandLine("delete", "--force", id);
    await promisify(execFile)(file, args);
  }

  async function run({ id, path, terminal }: DifferentialBundle): Promise<DifferentialResult> {
    const argv = commandLine("run", "--bundle", path, id);
    const files = { stdin: join(path, "stdin"), stdout: join(path, "stdout"), stderr: join(path, "stderr") };
    try {
      const ended = await runWithFiles(terminal ? underTerminal(argv) : argv, files, terminal);
      return { ...ended, stdout: readFileSync(files.stdout, "utf8"), stderr: readFileSync(files.stderr, "utf8") };
    } finally {
      await removeLeftover(id);
    }
  }

  return { name: command, run };
}

/** What stands after `<command> version` in the answer to `--version`: `1.1.5+ds1`. Undefined when it is not installed. */
export async function ociCommandVersion(command: string): Promise<string | undefined> {
  if (!isInstalled(command)) return undefined;
  const { stdout } = await promisify(execFile)(command, ["--version"]);
  const version = /version (\S+)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new OrlopError(
    "failed",
    `Cannot read version of "${command}": its --version answers ${JSON.stringify(stdout)}`,
  );
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
