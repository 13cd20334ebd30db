import { generateId, OrlopError } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { createContainer } from "../../containers/create-container.ts";
import { execProcess } from "../../containers/exec-process.ts";
import type { OpenEngine } from "../../containers/open-engine.ts";
import { parseSignal } from "../../run/life-options.ts";
import { checkCommandOptions, checkWords } from "../check-command.ts";
import { type CollectedCommand, collectCommand } from "../collect-command.ts";
import type { SandboxHost } from "../sandbox-host.ts";
import type { CommandOptions } from "../sandbox-options.ts";
import { SandboxProcess } from "../sandbox-process.ts";
import { startProgram } from "../start-program.ts";
import { type ContainerInfo, containerInfo } from "./container-info.ts";
import type { ContainerOptions } from "./container-options.ts";
import { readContainerOptions } from "./read-container-options.ts";

/** What a container has put out, as it was read from it. */
export interface LogChunk {
  readonly fd: 1 | 2;
  readonly data: Buffer;
  /** Unix time in milliseconds. */
  readonly atMs: number;
}

export interface LogChunkOptions {
  /** Go on with what comes, until the run has ended. */
  readonly follow?: boolean;
  /** Only so many of the last lines. */
  readonly tail?: number;
  readonly signal?: AbortSignal;
}

export interface StopContainerOptions {
  /** Absent: the container's own. */
  readonly signal?: NodeJS.Signals;
  /** Until it is killed; 0: at once. Absent: what the container says. */
  readonly timeoutMs?: number;
}

export interface RemoveContainerOptions {
  /** One that runs is killed first. */
  readonly force?: boolean;
}

/**
 * Containers that stay until they are removed, whatever becomes of this process: the same that `orlop ps` shows. Each is named
 * by its name, its id, or the beginning of that; `not-found` where there is none.
 */
export class EngineContainers {
  readonly #open: OpenEngine;
  readonly #host: () => SandboxHost;

  /** @internal */
  constructor(open: OpenEngine, host: () => SandboxHost) {
    this.#open = open;
    this.#host = host;
  }

  /** Those that run, and with `all` the others, too; those made last first. */
  async list({ all = false }: { readonly all?: boolean } = {}): Promise<readonly ContainerInfo[]> {
    const containers = (await this.#open.engine.list()).map(containerInfo);
    return all ? containers : containers.filter(({ status }) => status === "running" || status === "paused");
  }

  /** @throws OrlopError `not-found`; `conflict` for the beginning of several ids */
  async inspect(container: string): Promise<ContainerInfo> {
    return containerInfo(await this.#open.engine.find(container));
  }

  /**
   * Makes one that does not run yet; its image is pulled where it is not here.
   *
   * @throws OrlopError `invalid`, `conflict` for a name that is taken, and what pulling fails with
   */
  async create(options: ContainerOptions): Promise<ContainerInfo> {
    return containerInfo(await createContainer(this.#open, readContainerOptions(options, this.#open.machine)));
  }

  /** One that runs is left as it is. @throws OrlopError `executable-not-found`, `executable-refused` */
  async start(container: string): Promise<ContainerInfo> {
    return containerInfo((await this.#open.engine.start(container)).container);
  }

  /** Ends it with its signal, and with SIGKILL where that takes too long; one that does not run stays so. */
  async stop(container: string, { signal, timeoutMs }: StopContainerOptions = {}): Promise<ContainerInfo> {
    const stopped = await this.#open.engine.stop(container, {
      ...(signal === undefined ? {} : { signal: parseSignal(signal) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return containerInfo(stopped);
  }

  /** Resolves with the exit code of the run that there is, or of the last one. */
  async wait(container: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return await this.#open.engine.wait(container, signal);
  }

  /** With all that it has written. @throws OrlopError `conflict` when it runs, unless `force` */
  async remove(container: string, options: RemoveContainerOptions = {}): Promise<void> {
    await this.#open.engine.remove(container, options);
  }

  /** Its output, from the first that is kept. @throws OrlopError `unsupported` where nothing is kept */
  async *logs(container: string, { follow, tail, signal }: LogChunkOptions = {}): AsyncGenerator<LogChunk> {
    const { engine } = this.#open;
    const entries = engine.logs(await engine.find(container), {
      raw: true,
      ...(follow === undefined ? {} : { follow }),
      ...(tail === undefined ? {} : { tailLines: tail }),
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const { stream, timeNs, data } of entries) {
      yield { fd: stream === "stdout" ? 1 : 2, data, atMs: Number(timeNs / 1_000_000n) };
    }
  }

  /** Runs a program in one that runs, and collects its output. @throws OrlopError as `Sandbox.run` */
  async exec(container: string, words: readonly string[], options: CommandOptions = {}): Promise<CollectedCommand> {
    return await collectCommand(this.spawn(container, words, options), options.outputMaxBytes);
  }

  /** Starts a program in one that runs; failures are told by its `ended`. */
  spawn(
    container: string,
    words: readonly string[],
    options: Omit<CommandOptions, "outputMaxBytes"> = {},
  ): SandboxProcess {
    checkWords(words);
    checkCommandOptions(options);
    const { input, timeoutMs, signal } = options;
    return new SandboxProcess(() => this.#start(container, words, options), {
      input,
      timeoutMs,
      signals: signal === undefined ? [] : [signal],
      sandboxEnd: () => undefined,
    });
  }

  async #start(text: string, words: readonly string[], options: CommandOptions) {
    const { engine, machine } = this.#open;
    const container = await engine.find(text);
    const { id, name, state } = container;
    const refuse = (): never => {
      throw new OrlopError("conflict", `Cannot run a command in container "${name}": it is ${state.status}`);
    };
    if (state.status !== "running") refuse();
    const runtime = await engine.runtime(container);
    const { pid = refuse() } = await runtime.state(id);
    const program = execProcess(container.process, {
      words,
      terminal: false,
      variables: Object.entries(options.env ?? {}).map(([key, value]) => ({ name: key, value })),
      user: options.user,
      workdir: options.workdir,
      privileged: false,
      pid,
      capabilities: machine.capabilities,
      windowSize: undefined,
    });
    const execId = generateId(randomBytes);
    return await startProgram(
      { host: this.#host(), runtime },
      { id, pid, execId, program, reads: options.input !== undefined },
    );
  }
}
