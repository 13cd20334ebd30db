import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { CreateRequest, ExecRequest, ExitStatus, StartedExec, State, Stdio } from "@orlop/core";
import { hostArchitecture, type Report, Zygote } from "@orlop/kernel";
import { KeptWork, ProcessRuntime, type ZygoteLike } from "@orlop/runtime";
import {
  type HeldLayers,
  type Hello,
  keepForegrounds,
  processDirectory,
  type SpareHold,
  type SpareNetwork,
} from "@orlop/runtime/launcher";
import { NotHere } from "../caller/not-here.ts";
import type { Foreground, ForegroundOptions, ForegroundProcess } from "../run/foreground.ts";
import { needsRelay } from "../run/needs-relay.ts";
import { SignalProxy } from "../run/signal-proxy.ts";
import type { CallHands } from "./call-hands.ts";
import { holdMounts } from "./hold-mounts.ts";
import { type OpenRelays, openOutputRelays } from "./output-relays.ts";
import type { RemoteCaller } from "./remote-caller.ts";
import { startTerminalGuard } from "./terminal-guard.ts";

/** The call that a process stands in the foreground of. */
interface ServedCall {
  readonly hello: Hello;
  readonly hands: CallHands;
  readonly caller: RemoteCaller;
  /** What finishes a container whose caller has outlived this process. */
  readonly finishFile: string;
  readonly spare: SpareNetwork;
  readonly layers: HeldLayers;
}

/** What the first program that is sent for a process says of it. */
interface Known {
  reaperPid: number;
  pid: number;
}

/** The end of what has ended with nobody there to tell how: what was written down of it has gone with the container. */
const UNKNOWN = { text: "orlop: Cannot tell how it ended: the daemon that served it has ended\n", status: 125 };

/** A container that lasts is there by then. */
const SPARE_DELAY_MS = 100;

/** Of all calls: most of them are like an earlier one. */
const KEPT = new KeptWork();
const FOREGROUNDS = keepForegrounds();

/** Where this process has removed what others had left: a look at a thousand containers takes as long as making one. */
const swept = new Set<string>();

/**
 * A launcher as what stands for a process: its reaper is the launcher's child, has the caller's descriptors, and ends with
 * the launcher. The launcher itself becomes the program that passes signals and sizes on, and needs this process no more.
 */
export class LauncherForeground implements Foreground {
  readonly #call: ServedCall;
  readonly #options: ForegroundOptions;
  readonly #runtime: ProcessRuntime;
  readonly #root: string;
  readonly #cleanUp: DisposableStack;
  /** Keeps relays from ending before the process is there. */
  readonly #held: DisposableStack;
  /** By descriptor: what stands between the container and what it is not to have. */
  readonly #relays: OpenRelays["relays"];
  /** Signals that come before the launcher has become what passes them on. */
  readonly #proxy: SignalProxy;
  #known: Known | undefined;
  /** The container that this is about; absent for an exec. */
  #making: CreateRequest | undefined;

  private constructor(
    call: ServedCall,
    options: ForegroundOptions,
    { relays, held, proxy }: OpenRelays & { readonly proxy: SignalProxy },
    cleanUp: DisposableStack,
  ) {
    const { hands, hello } = call;
    this.#call = call;
    this.#options = options;
    this.#relays = relays;
    this.#held = cleanUp.use(held);
    this.#proxy = proxy;
    this.#root = join(options.stateDirectory, "containers");
    this.#runtime = new ProcessRuntime({
      root: this.#root,
      kept: KEPT,
      sweeps: !swept.has(this.#root),
      afterwards: (work) => call.caller.afterwards(work),
      startZygote: () => (hands.alive ? this.#handsAsZygote() : Zygote.start()),
      maker: {
        handover: { makerPid: hello.pid, endsWithMaker: true, exitsAsChild: true },
        ownCgroups: cgroupsOfCaller(hello),
      },
    });
    swept.add(this.#root);
    this.#cleanUp = cleanUp;
  }

  /** @throws NotHere */
  static async open(call: ServedCall, options: ForegroundOptions): Promise<LauncherForeground> {
    const { tty, interactive, signalProxy, runtime } = options;
    if (runtime.kind !== "process") throw new NotHere("another runtime makes children of this process");
    if ((options.preservedFds ?? 0) > 0) throw new NotHere("further descriptors are the called process's own");
    if (!signalProxy) throw new NotHere("signals are the called process's own");
    if (tty !== interactive && (tty || call.caller.isTerminal(0))) {
      throw new NotHere("a terminal that is only half the container's");
    }
    using stack = new DisposableStack();
    const relayed = ([1, 2] as const).filter((fd) => !tty && needsRelay(fd));
    const proxy = stack.use(new SignalProxy({ except: tty ? ["SIGWINCH"] : [] }));
    if (tty) stack.use(await startTerminalGuard(call.hands, call.hello.pid));
    const opened = await openOutputRelays(call.hands, options.stateDirectory, relayed, stack);
    return new LauncherForeground(call, options, { ...opened, proxy }, stack.move());
  }

  async run(request: CreateRequest): Promise<State> {
    const { spare, caller } = this.#call;
    if (!spare.suits(request.spec)) return await this.#run(request);
    const hold = spare.take(request.spec);
    const renew = (): void => {
      hold?.[Symbol.dispose]();
      spare.prepare();
    };
    // Not while somebody waits for this one, nor only when it ends.
    caller.afterwards(renew);
    try {
      return await (hold === undefined ? this.#run(request) : this.#runIn(hold, request));
    } finally {
      setTimeout(renew, SPARE_DELAY_MS).unref();
    }
  }

  async #runIn(hold: SpareHold, request: CreateRequest): Promise<State> {
    try {
      return await this.#run({ ...request, spec: hold.spec });
    } catch (error) {
      if (!hold.isReasonOf(error)) throw error;
      return await this.#run(request);
    }
  }

  async #run(request: CreateRequest): Promise<State> {
    return await this.#call.layers.run({ ...request, stdio: this.#relayed(request.stdio) }, (each) => {
      this.#known = undefined;
      this.#making = each;
      return this.#runtime.run(each);
    });
  }

  async exec(request: ExecRequest): Promise<StartedExec> {
    return await this.#runtime.exec({ ...request, stdio: this.#relayed(request.stdio) });
  }

  attach({ id, execId }: ForegroundProcess): void {
    const { hands, caller, finishFile } = this.#call;
    this.#held.dispose();
    if (this.#known === undefined || !hands.alive) return;
    hands.become(
      FOREGROUNDS.program({
        ...this.#known,
        architecture: hostArchitecture(),
        stateDirectory: processDirectory(this.#root, id, execId),
        terminal: this.#options.tty,
        unsaid: caller.stderr.take().toString("utf8"),
        // Of an exec there is nothing to clean up that the container does not have in common with it.
        finishFile: execId === undefined ? finishFile : undefined,
        unknown: UNKNOWN,
      }),
    );
    const target = execId === undefined ? {} : { execId };
    // What has just ended takes no signal, and needs none.
    this.#proxy.deliverTo((signal) => void this.#runtime.signal(id, signal, target).catch(() => {}));
  }

  async wait({ id, execId }: ForegroundProcess, signal?: AbortSignal): Promise<ExitStatus> {
    // What has been said so far is heard first, between the two: of what has ended by now files would have to tell.
    await setImmediate();
    await setImmediate();
    const status = await this.#runtime.wait(id, { ...(execId && { execId }), ...(signal && { signal }) });
    await Promise.all([...this.#relays.values()].map(({ ended }) => ended));
    return status;
  }

  async delete(id: string, options?: { readonly force?: boolean }): Promise<void> {
    await this.#runtime.delete(id, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runtime.close();
    this.#cleanUp.dispose();
  }

  #relayed(stdio: Stdio): Stdio {
    const [out, err] = ([1, 2] as const).map((fd) => this.#relays.get(fd)?.fifo);
    return {
      ...stdio,
      ...(out === undefined ? {} : { stdout: { path: out } }),
      ...(err === undefined ? {} : { stderr: { path: err } }),
    };
  }

  #holdMounts(pid: number): void {
    const { hands } = this.#call;
    if (this.#making !== undefined) holdMounts(pid, this.#making, this.#options.stateDirectory, hands.gone);
    this.#making = undefined;
  }

  /** The first program after a request is the process's; hooks and the like come later. */
  #handsAsZygote(): ZygoteLike {
    return this.#call.hands.zygote((onReport) => {
      if (this.#known !== undefined) return onReport;
      const known: Known = { reaperPid: 0, pid: 0 };
      this.#known = known;
      return (report: Report) => {
        if (report.kind === "begun") known.reaperPid = report.value;
        if (report.kind === "created") known.pid = report.value;
        onReport(report);
        if (report.kind === "created") this.#holdMounts(report.value);
      };
    });
  }
}

/** An ordinary user's process may have been moved since it has called: see enter-own-cgroup.ts. */
function cgroupsOfCaller({ pid, cgroups }: Hello): string {
  if (process.geteuid?.() === 0) return cgroups;
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    // It has gone, and so has whoever could want to know.
    return cgroups;
  }
}
