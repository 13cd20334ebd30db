import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { patience } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "../e2e/command-fixture.ts";

/** What a process of ours is, by what it shows of itself. */
export type Kind = "command" | "daemon" | "attendant" | "reaper" | "pump" | "zygote" | "other";

interface WorldProcess {
  /** As the world counts. */
  readonly pid: number;
  readonly kind: Kind;
  readonly commandLine: string;
}

/** What somebody has killed: what it was when it died, for a child of a zygote's becomes a reaper. */
interface Victim {
  readonly kind: Kind;
  /** Whose reaper it was; that of an exec is no container's. */
  readonly container?: string;
}

/** How a command ended that may have been killed. */
export interface DoomedResult extends CommandResult {
  readonly args: readonly string[];
  readonly wasKilled: boolean;
}

/** A daemon that somebody may kill. */
export interface WorldDaemon {
  /** But for where it serves. */
  readonly said: readonly string[];
  readonly exited: Promise<void>;
}

const START_MAX_MS = patience(10_000);
/** So long what a command has begun may still be at its end when it has ended itself. */
const CLOSE_MAX_MS = patience(20_000);

/**
 * A machine of its own as far as processes, networks and mounts go: whatever is in it is there because of the commands that
 * were called in it. It ends with this process.
 */
export class DeathWorld implements AsyncDisposable {
  readonly fixture: CommandFixture = new CommandFixture();
  readonly #init: ChildProcess;
  readonly pid: number;

  private constructor(init: ChildProcess, pid: number) {
    this.#init = init;
    this.pid = pid;
  }

  /** Undefined where no such world can be made. */
  static async make(): Promise<DeathWorld | undefined> {
    const flags = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
    // Whoever waits for a child takes in orphans as well.
    const script = "ip link set lo up; mount -t tmpfs tmpfs /run && while sleep 1000; do :; done";
    const init = spawn("unshare", [...flags, "sh", "-c", script], { stdio: "ignore" });
    const failed = new Promise<undefined>((resolve) => {
      init.once("error", () => resolve(undefined));
      init.once("exit", () => resolve(undefined));
    });
    const pid = await Promise.race([failed, untilReady(init)]);
    if (pid === undefined) init.kill("SIGKILL");
    return pid === undefined ? undefined : new DeathWorld(init, pid);
  }

  /** Where what runs is kept, seen from outside. */
  get state(): string {
    return join(this.root, "run/orlop");
  }

  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  /** A command that nobody kills. */
  async orlop(...args: readonly string[]): Promise<CommandResult> {
    const [file, words] = this.#inside([LAUNCHER, ...args]);
    return await this.fixture.start(file, words);
  }

  /** Any program, in there. */
  async run(...argv: readonly string[]): Promise<CommandResult> {
    const [file, words] = this.#inside(argv);
    return await this.fixture.start(file, words);
  }

  /** A command that is killed after a while, with all that it has started in the foreground. */
  async doomed(args: readonly string[], lifeMs: number): Promise<DoomedResult> {
    const [file, words] = this.#inside([LAUNCHER, ...args]);
    const env = { ...process.env, ORLOP_ROOT: this.fixture.store };
    const child = spawn(file, words, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const closed = once(child, "close").then(() => true);
    const stop = new AbortController();
    const life = delay(lifeMs, "over", { signal: stop.signal }).catch(() => "over");
    const wasKilled = (await Promise.race([exit.then(() => "ended"), life])) === "over";
    stop.abort();
    if (wasKilled) killGroup(child.pid ?? 0);
    const [exitCode, signal] = await exit;
    const isClosed = await Promise.race([closed, delay(CLOSE_MAX_MS, false, { ref: false })]);
    if (!isClosed) stderr += "internal: somebody has kept its output open";
    return { args, wasKilled: wasKilled && signal === "SIGKILL", exitCode, signal, stdout, stderr };
  }

  /** A daemon in there, which serves when this resolves. */
  async startDaemon(): Promise<WorldDaemon> {
    const [file, words] = this.#inside([LAUNCHER, "serve", "engine"]);
    const env = { ...process.env, ORLOP_ROOT: this.fixture.store };
    const child = spawn(file, words, { env, stdio: ["ignore", "ignore", "pipe"] });
    const said: string[] = [];
    const exited = once(child, "close").then(() => {});
    const serving = Promise.withResolvers<void>();
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.startsWith("Serving")) serving.resolve();
      else said.push(line);
    });
    await Promise.race([serving.promise, exited]);
    return { said, exited };
  }

  /** Processes of ours in there; those of containers are not. */
  processes(): readonly WorldProcess[] {
    const proc = `${this.root}/proc`;
    const own = link(`${proc}/1/ns/pid`);
    return readdirSync(proc).flatMap((name) => {
      const path = `${proc}/${name}`;
      if (!/^\d+$/.test(name) || name === "1" || link(`${path}/ns/pid`) !== own) return [];
      const commandLine = text(`${path}/cmdline`).replaceAll("\0", " ").trim();
      // One that has ended has none.
      if (commandLine === "" || commandLine === "sleep 1000") return [];
      return [{ pid: Number(name), kind: kindOf(text(`${path}/comm`).trim(), commandLine), commandLine }];
    });
  }

  async signal(pid: number, signal: string): Promise<void> {
    await this.run("kill", "-s", signal, String(pid));
  }

  /** Kills a process that somebody has just seen. Undefined where it had gone. */
  async kill({ pid, kind }: WorldProcess): Promise<Victim | undefined> {
    if (kind !== "zygote" && kind !== "reaper") {
      await this.signal(pid, "KILL");
      return { kind };
    }
    const { stdout } = await this.run("sh", "-c", KILL, "sh", String(pid));
    const [comm = "", commandLine = "", ...opened] = stdout.split("\n");
    if (commandLine.trim() === "") return undefined;
    const [, container] = /\/containers\/([0-9a-f]{64})$/m.exec(opened.join("\n")) ?? [];
    return { kind: kindOf(comm, commandLine.trim()), ...(container === undefined ? {} : { container }) };
  }

  /** The directory that it reports in is bound into containers. */
  directory(name: string): string {
    const path = join(this.fixture.directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#init.exitCode === null && this.#init.signalCode === null) {
      const gone = once(this.#init, "exit");
      process.kill(this.pid, "SIGKILL");
      await gone;
    }
    this.fixture[Symbol.dispose]();
  }

  #inside(argv: readonly string[]): readonly [file: string, args: readonly string[]] {
    return ["nsenter", ["--target", String(this.pid), "--pid", "--mount", "--net", "--", ...argv]];
  }
}

/** Says what a process is, and what it has open, while it cannot become something else, and kills it. */
const KILL = [
  'kill -s STOP "$1" || exit 0',
  'until grep -q "^State:.[TZX]" "/proc/$1/status"; do [ -e "/proc/$1" ] || exit 0; done',
  'cat "/proc/$1/comm"; tr "\\0" " " <"/proc/$1/cmdline"; echo',
  'for each in "/proc/$1/fd/"*; do readlink "$each"; done',
  'kill -s KILL "$1"',
].join("\n");

const NAMES: Readonly<Record<string, Kind>> = { "orlop-log": "pump", "orlop-reaper": "reaper" };

function kindOf(comm: string, commandLine: string): Kind {
  const named = NAMES[comm];
  if (named !== undefined) return named;
  if (/ serve engine$/.test(commandLine)) return "daemon";
  if (/ _attend$/.test(commandLine)) return "attendant";
  if (/start\.cjs|bin\/orlop/.test(commandLine)) return "command";
  return comm.startsWith("orlop") ? "zygote" : "other";
}

async function untilReady(init: ChildProcess): Promise<number | undefined> {
  const deadline = performance.now() + START_MAX_MS;
  while (performance.now() < deadline) {
    const [child] = text(`/proc/${init.pid}/task/${init.pid}/children`).split(" ");
    if (child !== undefined && /^tmpfs \/run /m.test(text(`/proc/${child}/mounts`))) return Number(child);
    await delay(5);
  }
  return undefined;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended, and so has all that it started.
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Empty for what has gone. */
function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
