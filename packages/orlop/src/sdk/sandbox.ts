import {
  generateId,
  type HeldUserNamespace,
  OrlopError,
  type Process,
  type Runtime,
  type RuntimeFeatures,
} from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { randomBytes } from "@orlop/kernel";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { writtenSnapshot } from "../commit/written-snapshot.ts";
import { execProcess } from "../containers/exec-process.ts";
import { type MachineView, readMachineView } from "../run/machine-view.ts";
import { MeanwhileSweep } from "../run/meanwhile-sweep.ts";
import { prepareContainer } from "../run/prepare-container.ts";
import { RunMarker } from "../run/run-marker.ts";
import { runOnCurrentRoot } from "../run/run-on-current-root.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { checkCommandOptions, checkWords } from "./check-command.ts";
import { type CollectedCommand, collectCommand } from "./collect-command.ts";
import { type CommandValue, commandWordsOf, shellLineOf } from "./command-template.ts";
import { readNetwork } from "./network/read-network.ts";
import type { SandboxNetwork } from "./network/sandbox-network.ts";
import { openHandler } from "./open-handler.ts";
import { checkExposeOptions } from "./ports/check-expose-options.ts";
import type { ExposedPort, ExposeOptions } from "./ports/exposed-port.ts";
import { readSandboxOptions } from "./read-sandbox-options.ts";
import { type FileChange, SandboxFiles } from "./sandbox-files.ts";
import { SandboxHost } from "./sandbox-host.ts";
import type { CommandOptions, ForkOptions, Isolation, SandboxOptions } from "./sandbox-options.ts";
import { SandboxProcess } from "./sandbox-process.ts";
import type { SandboxSecrets } from "./secrets/sandbox-secrets.ts";
import { makeSandboxes, type SandboxGroup } from "./snapshot/sandbox-group.ts";
import type { SandboxSnapshot } from "./snapshot/sandbox-snapshot.ts";
import { startProgram } from "./start-program.ts";

/** Sandboxes of one fork. */
const FORKS_MAX = 1000;

/** What a sandbox is made of. */
interface SandboxParts {
  readonly id: string;
  readonly isolation: Isolation;
  readonly options: SandboxOptions;
  /** What it began with, where it is a fork. */
  readonly base: SandboxSnapshot | undefined;
  readonly stateDirectory: string;
  readonly host: SandboxHost;
  /** That has made it. */
  readonly runtime: Runtime;
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
  /** What it is isolated by, as its handler says. */
  readonly isolation: Isolation;
  /** What has made it: `process`, `oci:PROGRAM`, `shim:NAME`. */
  readonly handler: string;
  /** Its files, as its programs see them. */
  readonly fs: SandboxFiles;
  readonly #parts: SandboxParts;
  readonly #running = new Set<SandboxProcess>();
  readonly #ports = new Set<ExposedPort>();
  #network: SandboxNetwork | undefined;
  #root: RootDirectory | undefined;
  #end: "timeout" | "closed" | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.isolation = parts.isolation;
    this.handler = parts.runtime.name;
    const { uid, gid } = parts.process.user;
    // An ordinary user's sandbox has one user, who is the caller.
    this.fs = new SandboxFiles({
      root: () => this.#openRoot(),
      owner: parts.machine.rootless ? undefined : { uid, gid },
      changes: () => this.#changes(),
    });
  }

  /**
   * Makes a sandbox; an image that is not here is pulled first.
   *
   * @throws OrlopError `invalid` for options that mean nothing, `unsupported` for an isolation that is not to be had here,
   *   `not-found` for an image or a mount that is not there, `denied` for what this user or machine does not allow,
   *   `cancelled` when its signal aborts
   */
  static async create(options: SandboxOptions): Promise<Sandbox> {
    return await Sandbox.#make(options);
  }

  static async #make(options: SandboxOptions, base?: SandboxSnapshot): Promise<Sandbox> {
    const machine = readMachineView();
    const asked = readSandboxOptions(options, machine);
    refuseAborted(options.signal);
    await using stack = new AsyncDisposableStack();
    const secrets = await openSecrets(options, machine, stack);
    const run = secrets === undefined ? asked : secrets.giveTo(asked);
    const prepared = stack.use(await prepareContainer(run, machine, base && ((given) => base.open(given))));
    const { id, stateDirectory } = prepared;
    // What is made for a mount that was asked for is nothing that was written.
    const mountPoints = [...prepared.description.mountPoints, ...run.mounts.map(({ mount }) => mount.destination)];
    const description = { ...prepared.description, mountPoints };
    refuseAborted(options.signal);
    stack.use(new RunMarker(stateDirectory, ownDataDirectory(), description));
    const host = stack.use(SandboxHost.take(stateDirectory));
    const handler = await openHandler(run.runtime, { host, stateDirectory }, stack);
    const { runtime } = handler;
    // When the container's program has been sent, so that this is done beside it.
    const features = new Promise<RuntimeFeatures>((resolve) => {
      setImmediate(() => {
        // For its first command.
        host.pipes.prepare(2);
        resolve(runtime.features());
      });
    });
    features.catch(() => {});
    await using parent = await holdSandboxParent(options, machine);
    const below = parent === undefined ? {} : { userNamespaceParent: parent.path };
    const { pid } = await runOnCurrentRoot(prepared, (request) =>
      handler.run({ ...request, ...below, stdio: { stdin: "null", stdout: "null", stderr: "null" }, init: "alone" }),
    );
    stack.defer(() => runtime.delete(id, { force: true }));
    if (pid === undefined) throw new OrlopError("failed", `Cannot create sandbox: its init has ended at once`);
    const { isolation } = await features;
    // What it fails at is not this sandbox's concern, and the next one tries again.
    const sweep = new MeanwhileSweep(stateDirectory, () => {});
    stack.defer(() => sweep.begin());
    const { process } = description;
    const box = new Sandbox({
      ...{ id, isolation, options, base, host, runtime, machine, pid, process, description, stateDirectory },
      stack: stack.move(),
    });
    try {
      await box.#connect(options);
      await box.#serve(secrets);
      await box.#limit(options);
    } catch (error) {
      await box.#close("closed");
      throw error;
    }
    return box;
  }

  /**
   * Makes sandboxes that begin with the files of a snapshot, all at once; none of them copies anything. Each is as the sandbox
   * that the snapshot was taken of, apart from what the options say and from its signal. When one fails, all do.
   *
   * ```ts
   * await using prepared = await box.snapshot();
   * await using ten = await Sandbox.fork(prepared, 10);
   * ```
   *
   * @param count from 1 to 1000
   * @throws OrlopError as {@link create}; `conflict` when the snapshot has been disposed of
   */
  static async fork(snapshot: SandboxSnapshot, count: number, options: ForkOptions = {}): Promise<SandboxGroup> {
    if (!Number.isInteger(count) || count < 1 || count > FORKS_MAX) {
      throw new OrlopError("invalid", `Cannot fork sandbox ${count} times: it is a number from 1 to ${FORKS_MAX}`);
    }
    const { signal: _, ...inherited } = snapshot.options;
    const all = { ...inherited, ...options, image: inherited.image };
    return await makeSandboxes(count, () => Sandbox.#make(all, snapshot));
  }

  /** What it has of the network that it was connected with; undefined for `none` and `host`. */
  get network(): SandboxNetwork | undefined {
    return this.#network;
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
   * Makes a port of the sandbox reachable at this machine's loopback: what listens on the sandbox's own loopback or on all of
   * its addresses, now or later. The sandbox is on no network for that.
   *
   * ```ts
   * await using shown = await box.expose(8080);
   * await fetch(shown.url);
   * ```
   *
   * @throws OrlopError `invalid` for no port, `conflict` for a port of this machine that is taken, for a sandbox on this
   *   machine's network, and when the sandbox has ended
   */
  async expose(port: number, options: ExposeOptions = {}): Promise<ExposedPort> {
    checkExposeOptions(port, options);
    await this.#checkRunning("expose port of");
    const { pid, host, machine, stateDirectory, options: made, id } = this.#parts;
    if (made.network === "host") {
      const what = "it is on this machine's network, and so are its ports";
      throw new OrlopError("conflict", `Cannot expose port of sandbox "${id}": ${what}`);
    }
    const { ExposedPort } = await import("./ports/exposed-port.ts");
    const { rootless } = machine;
    const exposed = await ExposedPort.open({
      ...options,
      ...{ pid, port, rootless, stateDirectory, zygote: () => host.zygote },
    });
    this.#ports.add(exposed);
    return exposed;
  }

  /**
   * Keeps its files as they are now, without those of its mounts, to begin others with. Its processes stand still meanwhile
   * where its user can have that (cgroups); where not, what is being written is seen half. They are no part of it.
   *
   * @throws OrlopError `unsupported` for a sandbox of anything but an image; `cancelled` when the signal aborts; `conflict` when
   *   the sandbox has ended
   */
  async snapshot({ signal }: { readonly signal?: AbortSignal } = {}): Promise<SandboxSnapshot> {
    this.#expectOpen("take snapshot of");
    const { description, id, options, base } = this.#parts;
    const { takeSnapshot } = await import("./snapshot/take-snapshot.ts");
    return await takeSnapshot({ id, description, options, base, signal, quietly: (work) => this.#quietly(work) });
  }

  /** Ends it with all that runs in it, and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close("closed");
  }

  async #start(words: readonly string[], options: CommandOptions) {
    this.#expectOpen("run a command in");
    const { id, pid, host, runtime, machine, process } = this.#parts;
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
    return await startProgram({ host, runtime }, { id, pid, execId, program, reads: options.input !== undefined });
  }

  /** Held from the first use on: its pid may be somebody else's when init has ended. */
  async #openRoot(): Promise<RootDirectory> {
    this.#expectOpen("use files of");
    if (this.#root === undefined) {
      const { pid } = this.#parts;
      const root = new RootDirectory(`/proc/${pid}/root`);
      try {
        await this.#checkRunning("use files of");
      } catch (error) {
        root[Symbol.dispose]();
        throw error;
      }
      // Another call may have been quicker.
      if (this.#root === undefined) this.#root = root;
      else root[Symbol.dispose]();
    }
    return this.#root;
  }

  async #checkRunning(action: string): Promise<void> {
    this.#expectOpen(action);
    const { id, runtime } = this.#parts;
    const { status } = await runtime.state(id);
    if (status !== "running") throw new OrlopError("conflict", `Cannot ${action} sandbox "${id}": it is ${status}`);
  }

  async #changes(): Promise<readonly FileChange[]> {
    this.#expectOpen("compare");
    const { description, id } = this.#parts;
    const { store, snapshotter, key } = writtenSnapshot("compare", id, description);
    const { Depot } = await import("../store/open-depot.ts");
    await using depot = new Depot(store);
    using changes = await depot.changes(snapshotter, key, description);
    return (await changes.list()).map(({ kind, path }) => ({ kind, path: `/${path}` }));
  }

  async #quietly<T>(work: () => Promise<T>): Promise<T> {
    const { id, runtime } = this.#parts;
    try {
      await runtime.pause(id);
    } catch (error) {
      if (!(error instanceof OrlopError) || !["unsupported", "denied"].includes(error.code)) throw error;
      return await work();
    }
    try {
      return await work();
    } finally {
      await runtime.resume(id);
    }
  }

  #expectOpen(action: string): void {
    if (this.#end === undefined) return;
    const how = this.#end === "timeout" ? "its time is over" : "it was closed";
    throw new OrlopError("conflict", `Cannot ${action} sandbox "${this.id}": ${how}`);
  }

  async #connect({ network: asked }: SandboxOptions): Promise<void> {
    const { network, allow } = readNetwork(asked);
    if (network === undefined) return;
    const { id, pid, description, stack } = this.#parts;
    const { names, name } = description;
    const { connectSandbox } = await import("./network/sandbox-network.ts");
    this.#network = await connectSandbox({ id, pid, name, names, allow, network, files: this.fs }, stack);
  }

  async #serve(secrets: SandboxSecrets | undefined): Promise<void> {
    const { pid, machine, host, isolation, stateDirectory, stack } = this.#parts;
    const { rootless } = machine;
    const network = this.#network;
    await secrets?.serve({ pid, rootless, isolation, stateDirectory, network, zygote: host.zygote }, stack);
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
    for (const port of this.#ports) await port[Symbol.asyncDispose]();
    this.#root?.[Symbol.dispose]();
    await this.#parts.stack.disposeAsync();
  }
}

/** Where an ordinary user's has to be made in order to be connected. */
async function holdSandboxParent(
  { network: asked }: SandboxOptions,
  machine: MachineView,
): Promise<HeldUserNamespace | undefined> {
  const { network } = readNetwork(asked);
  if (network === undefined || !machine.rootless) return undefined;
  const { holdParent } = await import("./network/hold-parent.ts");
  return await holdParent(network);
}

/** What they need is loaded where there are some. */
async function openSecrets(
  options: SandboxOptions,
  machine: MachineView,
  stack: AsyncDisposableStack,
): Promise<SandboxSecrets | undefined> {
  if (Object.keys(options.secrets ?? {}).length === 0) return undefined;
  const { openSandboxSecrets } = await import("./secrets/sandbox-secrets.ts");
  return openSandboxSecrets(options, machine, stack);
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new OrlopError("cancelled", "Cannot create sandbox: its signal has aborted", { cause: signal.reason });
}
