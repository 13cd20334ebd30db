import { generateId, OrlopError, type Process } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { randomBytes } from "@orlop/kernel";
import type { SnapshotChange } from "@orlop/snapshot";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { writtenSnapshot } from "../commit/written-snapshot.ts";
import { execProcess } from "../containers/exec-process.ts";
import { type MachineView, readMachineView } from "../run/machine-view.ts";
import { prepareContainer } from "../run/prepare-container.ts";
import { RunMarker } from "../run/run-marker.ts";
import { runOnCurrentRoot } from "../run/run-on-current-root.ts";
import { sweepOrphans } from "../run/sweep-orphans.ts";
import { checkCommandOptions, checkWords } from "./check-command.ts";
import { type CollectedCommand, collectCommand } from "./collect-command.ts";
import { type CommandValue, commandWordsOf, shellLineOf } from "./command-template.ts";
import { readSandboxOptions } from "./read-sandbox-options.ts";
import { SandboxFiles } from "./sandbox-files.ts";
import { SandboxHost } from "./sandbox-host.ts";
import type { CommandOptions, Isolation, SandboxOptions } from "./sandbox-options.ts";
import { SandboxProcess } from "./sandbox-process.ts";
import { startProgram } from "./start-program.ts";

/** What a sandbox is made of. */
interface SandboxParts {
  readonly id: string;
  readonly isolation: Isolation;
  readonly host: SandboxHost;
  readonly machine: MachineView;
  /** Pid of its init, as this machine numbers it. */
  readonly pid: number;
  /** What its commands are by default. */
  readonly process: Process;
  readonly description: ContainerDescription;
  /** Gives back everything. */
  readonly stack: AsyncDisposableStack;
}

/**
 * A place for programs that one does not trust: files, processes and a network of its own, and nothing but what it was
 * given. It holds nothing but a small init until a command is run in it, so that its image needs no shell, and no program
 * at all.
 *
 * ```ts
 * await using box = await Sandbox.create({ image: "host", memory: "512MiB", timeoutMs: 60_000 });
 * const { stdout, exitCode } = await box.$`python3 -c ${code}`;
 * ```
 *
 * It ends with its disposal, with its time limit, with its signal and with the process that has made it, whichever is first,
 * and all that runs in it and all that was written to it goes then. What a process leaves behind that is killed meanwhile
 * is removed by the next sandbox, or by any `orlop run`.
 */
export class Sandbox implements AsyncDisposable {
  /** 64 lower-case hex digits, as in `orlop ps --no-trunc`. */
  readonly id: string;
  /** What it is isolated by. */
  readonly isolation: Isolation;
  /** Its files, as its programs see them. */
  readonly fs: SandboxFiles;
  readonly #parts: SandboxParts;
  readonly #running = new Set<SandboxProcess>();
  #root: RootDirectory | undefined;
  #end: "timeout" | "closed" | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.isolation = parts.isolation;
    const { uid, gid } = parts.process.user;
    // An ordinary user's sandbox has one user, who is the caller.
    this.fs = new SandboxFiles(() => this.#openRoot(), parts.machine.rootless ? undefined : { uid, gid });
  }

  /**
   * Makes a sandbox; an image that is not here is pulled first.
   *
   * @throws OrlopError `invalid` for options that mean nothing, `unsupported` for an isolation that is not to be had here,
   *   `not-found` for an image or a mount that is not there, `denied` for what this user or machine does not allow,
   *   `cancelled` when its signal aborts
   */
  static async create(options: SandboxOptions): Promise<Sandbox> {
    const machine = readMachineView();
    const { run, isolation } = readSandboxOptions(options, machine);
    refuseAborted(options.signal);
    await using stack = new AsyncDisposableStack();
    const prepared = stack.use(await prepareContainer(run, machine));
    const { id, stateDirectory, description } = prepared;
    refuseAborted(options.signal);
    stack.use(new RunMarker(stateDirectory, id, description));
    const host = stack.use(SandboxHost.take(stateDirectory));
    const { pid } = await runOnCurrentRoot(prepared, (request) =>
      host.runtime.run({ ...request, stdio: { stdin: "null", stdout: "null", stderr: "null" }, init: "alone" }),
    );
    stack.defer(() => host.runtime.delete(id, { force: true }));
    if (pid === undefined) throw new OrlopError("failed", `Cannot create sandbox: its init has ended at once`);
    // Meanwhile: what it fails at is not this sandbox's concern, and the next one tries again.
    const sweep = sweepOrphans(stateDirectory).catch(() => {});
    stack.defer(() => sweep);
    const { process } = description;
    const box = new Sandbox({ id, isolation, host, machine, pid, process, description, stack: stack.move() });
    await box.#limit(options);
    return box;
  }

  /**
   * Runs a command given as a template and collects its output. Its text is split at white space and quotes keep words
   * together; a value is part of a word, whatever it holds, and an array is words of its own. No shell reads it.
   *
   * @throws OrlopError as {@link run}
   */
  async $(texts: TemplateStringsArray, ...values: readonly CommandValue[]): Promise<CollectedCommand> {
    return await this.run(commandWordsOf(texts, values));
  }

  /**
   * Runs a line of the sandbox's own shell, `/bin/sh`, and collects its output. The values of the template are its
   * arguments, in quotes: whatever they hold, the shell reads none of it as its own.
   *
   * @throws OrlopError as {@link run}; `executable-not-found` where the image has no shell
   */
  async sh(texts: TemplateStringsArray, ...values: readonly (string | number)[]): Promise<CollectedCommand> {
    return await this.run(["/bin/sh", "-c", shellLineOf(texts), "sh", ...values.map(String)]);
  }

  /**
   * Runs a program with these arguments and collects its output. An exit code other than 0 is a result, and no error.
   *
   * @throws OrlopError `executable-not-found` or `executable-refused`; `exhausted` for more output than is kept; `cancelled`
   *   when a signal or the end of the sandbox cuts it off; `conflict` when the sandbox has ended
   */
  async run(words: readonly string[], options: CommandOptions = {}): Promise<CollectedCommand> {
    return await collectCommand(this.spawn(words, options), options.outputMaxBytes);
  }

  /**
   * Starts a program with these arguments. A loop over the result takes its output as it comes, by descriptor; `ended` is
   * how it ends. Failures are told there.
   *
   * @throws OrlopError `invalid` at once for words or options that mean nothing
   */
  spawn(words: readonly string[], options: Omit<CommandOptions, "outputMaxBytes"> = {}): SandboxProcess {
    checkWords(words);
    checkCommandOptions(options);
    const { input, timeoutMs, signal } = options;
    const program = new SandboxProcess(() => this.#start(words, options), {
      input,
      timeoutMs,
      signals: signal === undefined ? [] : [signal],
      sandboxEnd: () => this.#end,
    });
    this.#running.add(program);
    void program.ended.catch(() => {}).finally(() => this.#running.delete(program));
    return program;
  }

  /**
   * What was written to its files so far, sorted by path; not what lies in its mounts.
   *
   * @throws OrlopError `unsupported` for a sandbox of anything but an image
   */
  async diff(): Promise<readonly SnapshotChange[]> {
    this.#expectOpen("compare");
    const { description, id } = this.#parts;
    const { store, snapshotter, key } = writtenSnapshot("compare", id, description);
    const { Depot } = await import("../store/open-depot.ts");
    await using depot = new Depot(store);
    using changes = await depot.changes(snapshotter, key, description);
    return await changes.list();
  }

  /** Ends it with all that runs in it, and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close("closed");
  }

  async #start(words: readonly string[], options: CommandOptions) {
    this.#expectOpen("run a command in");
    const { id, pid, host, machine, process } = this.#parts;
    const program = execProcess(process, {
      words,
      terminal: false,
      variables: Object.entries(options.env ?? {}).map(([name, value]) => ({ name, value })),
      user: options.user,
      workdir: options.workdir,
      privileged: false,
      pid,
      capabilities: machine.capabilities,
      windowSize: undefined,
    });
    const execId = generateId(randomBytes);
    return await startProgram(host, { id, pid, execId, program, reads: options.input !== undefined });
  }

  /** Held from the first use on: its pid may be somebody else's when init has ended. */
  async #openRoot(): Promise<RootDirectory> {
    this.#expectOpen("use files of");
    if (this.#root === undefined) {
      const { id, pid, host } = this.#parts;
      const root = new RootDirectory(`/proc/${pid}/root`);
      const { status } = await host.runtime.state(id);
      if (status !== "running") {
        root[Symbol.dispose]();
        throw new OrlopError("conflict", `Cannot use files of sandbox "${id}": it is ${status}`);
      }
      // Another call may have been quicker.
      if (this.#root === undefined) this.#root = root;
      else root[Symbol.dispose]();
    }
    return this.#root;
  }

  #expectOpen(action: string): void {
    if (this.#end === undefined) return;
    const how = this.#end === "timeout" ? "its time is over" : "it was closed";
    throw new OrlopError("conflict", `Cannot ${action} sandbox "${this.id}": ${how}`);
  }

  async #limit({ timeoutMs, signal }: SandboxOptions): Promise<void> {
    const { stack } = this.#parts;
    const close = (end: "timeout" | "closed"): void => void this.#close(end).catch(() => {});
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => close("timeout"), timeoutMs).unref();
      stack.defer(() => clearTimeout(timer));
    }
    if (signal === undefined) return;
    const abort = (): void => close("closed");
    signal.addEventListener("abort", abort);
    stack.defer(() => signal.removeEventListener("abort", abort));
    if (!signal.aborted) return;
    await this.#close("closed");
    refuseAborted(signal);
  }

  #close(end: "timeout" | "closed"): Promise<void> {
    this.#end ??= end;
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    // Those that run hear how they end before what tells of it goes.
    await Promise.all([...this.#running].map((program) => program[Symbol.asyncDispose]()));
    this.#root?.[Symbol.dispose]();
    await this.#parts.stack.disposeAsync();
  }
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new OrlopError("cancelled", "Cannot create sandbox: its signal has aborted", { cause: signal.reason });
}
