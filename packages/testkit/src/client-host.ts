import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupDirectories, removeCgroupDirectories } from "./cgroup-directories.ts";
import { type MountinfoEntry, parseMountinfo } from "./mountinfo.ts";
import { patience } from "./patience.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** No call of a client takes longer, unless it hangs. */
const CALL_MAX_MS = patience(60_000);
const SETTLE_MAX_MS = patience(20_000);
const POLL_MS = 20;

/**
 * Process 1 of the namespaces: what clients keep on the machine is hidden by empty directories in memory, of the cgroups of
 * version 1 only those are there that are mounted, and everything ends when the test's end of the pipe does. The shell
 * waits for orphans while cat runs.
 */
const INIT = `
set -e
mount -t proc proc /proc
for directory in /run /var/lib /var/cache; do mount -t tmpfs -o mode=755 tmpfs $directory; done
if [ -d /sys/fs/cgroup/memory ]; then
  mkdir /run/cgroup
  mount -t tmpfs -o mode=755 tmpfs /run/cgroup
  for hierarchy in /sys/fs/cgroup/*; do
    mountpoint -q $hierarchy || continue
    mkdir /run/cgroup/\${hierarchy##*/}
    mount --bind $hierarchy /run/cgroup/\${hierarchy##*/}
  done
  mount --move /run/cgroup /sys/fs/cgroup
fi
ip link set lo up
echo ready
cat >/dev/null
exit 0
`;

export interface ClientHostOptions {
  /** The command that makes containers: called once, so that what it keeps resident is in no cgroup and no session of a client's. */
  readonly runtime?: string;
  /** Clients reach what listens on this machine's loopback address. */
  readonly hasOwnNetwork?: boolean;
}

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CallOptions {
  readonly input?: string;
  /** Do not end the input behind it. */
  readonly inputStaysOpen?: boolean;
}

/** Mount, pid and network namespaces in which a client runs, apart from what the machine itself has of it. */
export class ClientHost implements AsyncDisposable {
  /** Absolute, of this test alone; every user may enter it. */
  readonly directory: string;
  /** What the paths of all cgroups of containers are to contain. */
  readonly mark: string;
  readonly #stack: AsyncDisposableStack;
  readonly #pid: number;
  /** Mounts of this machine's own: other tests have theirs below /run while the namespace is made. */
  readonly #inherited: ReadonlySet<number>;

  private constructor(stack: AsyncDisposableStack, directory: string, mark: string, pid: number) {
    this.#stack = stack;
    this.directory = directory;
    this.mark = mark;
    this.#pid = pid;
    this.#inherited = new Set(mountsOf(pid).map(({ id }) => id));
  }

  static async start(name: string, { runtime, hasOwnNetwork = true }: ClientHostOptions = {}): Promise<ClientHost> {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(temporaryDirectory(`orlop-${name}-`));
    const mark = `orlop-${name}-${process.pid}`;
    stack.defer(() => untilNothing("cgroups with a process", () => (tryToRemoveCgroups(mark) ? [] : [mark])));
    const network = hasOwnNetwork ? ["--net"] : [];
    const flags = ["--mount", "--pid", ...network, "--propagation", "private", "--fork", "--kill-child"];
    const child = spawn("unshare", [...flags, "sh", "-c", INIT], { stdio: ["pipe", "pipe", "inherit"] });
    stack.defer(async () => {
      child.kill("SIGKILL");
      await ended(child);
    });
    await hasPrinted(child, "ready");
    const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim());
    assert(pid > 0);
    const host = new ClientHost(stack.move(), path, mark, pid);
    if (runtime !== undefined) await host.succeeds([runtime, "list"]);
    return host;
  }

  /** A command line that executes `argv` in the namespaces. */
  argv(argv: readonly string[]): readonly string[] {
    return ["nsenter", `--target=${this.#pid}`, "--mount", "--pid", "--net", "--", ...argv];
  }

  async call(argv: readonly string[], { input = "", inputStaysOpen = false }: CallOptions = {}): Promise<Ended> {
    const [file = "", ...args] = this.argv(argv);
    const child = spawn(file, args);
    const limit = this.#limit(child);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    child.stdin.on("error", () => {}).write(input);
    if (!inputStaysOpen) child.stdin.end();
    const exitCode = await limit;
    assert(exitCode !== undefined, `"${argv.join(" ")}" did not end: ${said.stdout}${said.stderr}`);
    return { exitCode, ...said };
  }

  /** What a command prints that has to end well. */
  async succeeds(argv: readonly string[], options: CallOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.call(argv, options);
    assert.equal(exitCode, 0, `"${argv.join(" ")}" said: ${stdout}${stderr}`);
    return stdout;
  }

  /** The same under a terminal of 50 columns and 20 rows, whose input stays open. */
  async callInTerminal(argv: readonly string[]): Promise<Omit<Ended, "stderr">> {
    const words = this.argv(argv).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const command = `stty rows 20 cols 50; exec ${words.join(" ")}`;
    const child = spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const limit = this.#limit(child);
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const exitCode = await limit;
    assert(exitCode !== undefined, `"${argv.join(" ")}" did not end: ${stdout}`);
    return { exitCode, stdout: stdout.replaceAll(/\r+\n/g, "\n") };
  }

  /** Resolves with the exit code; undefined when it took too long, after a list of what runs. */
  async #limit(child: ChildProcess): Promise<number | undefined> {
    const timer = setTimeout(() => {
      console.error(`after ${CALL_MAX_MS} ms there are:\n${this.processes().join("\n")}`);
      child.kill("SIGKILL");
    }, CALL_MAX_MS);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    return code ?? undefined;
  }

  /** Starts a program that stays, with its log in the file `<name>.log` of the directory, and says how to end it. */
  daemon(name: string, argv: readonly string[]): Daemon {
    const script = 'log=$1; shift; exec "$@" >>"$log" 2>&1 </dev/null';
    const [file = "", ...args] = this.argv(["sh", "-c", script, "sh", join(this.directory, `${name}.log`), ...argv]);
    const child = spawn(file, args, { stdio: "ignore" });
    return new Daemon(child);
  }

  /** Command lines of the processes in the namespaces, but for what is there for all the time. */
  processes(): readonly string[] {
    const own = readlinkSync(`/proc/${this.#pid}/ns/pid`);
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.#pid)
      .flatMap((name) => {
        try {
          if (readlinkSync(`/proc/${name}/ns/pid`) !== own) return [];
          const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
          const state = /^State:\t(.*)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
          return command === "cat" || command.includes("/oci-resident.mjs ") ? [] : [`${name} ${command} ${state}`];
        } catch {
          return [];
        }
      });
  }

  /** What is mounted below the directory, as the client sees it. */
  mounts(): readonly string[] {
    return mountsOf(this.#pid)
      .filter(({ id }) => !this.#inherited.has(id))
      .map(({ mountPoint }) => mountPoint)
      .filter((path) => path.startsWith(`${this.directory}/`) || path.startsWith("/run/"));
  }

  /** Below the namespaces' own root. */
  list(path: string): readonly string[] {
    try {
      return readdirSync(`/proc/${this.#pid}/root${path}`);
    } catch {
      return [];
    }
  }

  /**
   * Waits until nothing is left of containers.
   *
   * @param roots the runtime's directories of state
   * @param staying parts of the command lines of processes, and of the paths of mounts, that are to stay
   */
  async untilClean(roots: readonly string[], staying: readonly string[] = []): Promise<void> {
    await untilNothing("left behind", () => [
      ...[...this.processes(), ...this.mounts()].filter((found) => !staying.some((part) => found.includes(part))),
      ...roots.flatMap((root) => this.list(root).map((id) => `${root}/${id}`)),
      ...cgroupDirectories(this.mark).filter((path) => readFileSync(join(path, "cgroup.procs"), "utf8") !== ""),
    ]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** A program of a client's that stays. */
export class Daemon {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Ended by a signal, which reaches the program itself: nsenter(1) only waits for it. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.#child;
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (child !== "") process.kill(Number(child), signal);
    await ended(this.#child);
  }
}

function mountsOf(pid: number): readonly MountinfoEntry[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function hasPrinted(child: ChildProcess, word: string): Promise<void> {
  const { stdout } = child;
  assert(stdout !== null);
  for await (const chunk of stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes(word)) return;
  }
  throw new Error(`the process ended before it was ready`);
}

function tryToRemoveCgroups(mark: string): boolean {
  try {
    removeCgroupDirectories(mark);
    return true;
  } catch {
    return false;
  }
}

/** Asks again until the answer is yes. */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  while (!(await look())) {
    assert(performance.now() < deadline, `waited in vain: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Waits until `look` finds nothing; throws what it found at last. */
export async function untilNothing(what: string, look: () => readonly string[]): Promise<void> {
  const deadline = performance.now() + SETTLE_MAX_MS;
  for (;;) {
    const found = look();
    if (found.length === 0) return;
    if (performance.now() > deadline) assert.deepEqual(found, [], what);
    await sleep(POLL_MS);
  }
}
