import type { CreateRequest, ExecRequest, ExitStatus, Runtime, StartedExec, State } from "@orlop/core";
import { compileLater } from "./compile-later.ts";
import type { Foreground, ForegroundOptions, ForegroundProcess } from "./foreground.ts";
import { keptDescriptors } from "./kept-descriptors.ts";
import { openRelay } from "./open-relay.ts";
import { openRuntime } from "./open-runtime.ts";
import { SignalProxy } from "./signal-proxy.ts";
import { watchWindowSize } from "./window-size.ts";

/** That of this process: its descriptors are the container's, and its signals are passed on. */
export class OwnForeground implements Foreground {
  readonly #runtime: Runtime;
  readonly #cleanUp: AsyncDisposableStack;
  readonly #proxy: SignalProxy | undefined;
  readonly #tty: boolean;
  readonly #run: (request: CreateRequest) => Promise<State>;

  private constructor(
    { runtime, run }: { readonly runtime: Runtime; run(request: CreateRequest): Promise<State> },
    cleanUp: AsyncDisposableStack,
    proxy: SignalProxy | undefined,
    tty: boolean,
  ) {
    this.#runtime = runtime;
    this.#run = run;
    this.#cleanUp = cleanUp;
    this.#proxy = proxy;
    this.#tty = tty;
  }

  static async open(options: ForegroundOptions): Promise<OwnForeground> {
    const { tty, interactive, stateDirectory, preservedFds = 0 } = options;
    const descriptors = keptDescriptors(preservedFds);
    await using stack = new AsyncDisposableStack();
    const proxy = options.signalProxy ? stack.use(new SignalProxy({ except: tty ? ["SIGWINCH"] : [] })) : undefined;
    if (tty && interactive) {
      const { RawTerminal } = await import("./raw-terminal.ts");
      stack.use(await RawTerminal.take());
    }
    const relay = await openRelay(options);
    if (relay !== undefined) stack.use(relay);
    const opened = stack.use(await openRuntime(options.runtime, stateDirectory, relay ?? "inherit", { descriptors }));
    return new OwnForeground(opened, stack.move(), proxy, tty);
  }

  async run(request: CreateRequest): Promise<State> {
    using _later = compileLater();
    return await this.#run(request);
  }

  async exec(request: ExecRequest): Promise<StartedExec> {
    using _later = compileLater();
    return await this.#runtime.exec(request);
  }

  attach({ id, execId, size: known }: ForegroundProcess): void {
    const target = execId === undefined ? {} : { execId };
    // What has just ended takes no signal and no size, and needs none.
    const quietly = (work: Promise<void>): void => void work.catch(() => {});
    this.#proxy?.deliverTo((signal) => quietly(this.#runtime.signal(id, signal, target)));
    if (this.#tty) {
      this.#cleanUp.use(watchWindowSize(known, (size) => quietly(this.#runtime.resize(id, size, target))));
    }
  }

  async wait({ id, execId }: ForegroundProcess, signal?: AbortSignal): Promise<ExitStatus> {
    return await this.#runtime.wait(id, { ...(execId && { execId }), ...(signal && { signal }) });
  }

  async delete(id: string, options?: { readonly force?: boolean }): Promise<void> {
    await this.#runtime.delete(id, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanUp.disposeAsync();
  }
}
