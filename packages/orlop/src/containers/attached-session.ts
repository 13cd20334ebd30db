import { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { caller } from "../caller/caller.ts";
import { writeOutput } from "../print.ts";
import type { StreamName } from "../run/attach-options.ts";
import { DetachKeys } from "../run/detach-keys.ts";
import type { SignalProxy } from "../run/signal-proxy.ts";
import { watchWindowSize } from "../run/window-size.ts";
import type { OpenEngine } from "./open-engine.ts";

interface SessionOptions {
  readonly container: Container;
  /** Descriptor that writes to the container's standard input; it is closed at the end. Absent: nothing is passed on. */
  readonly input: number | undefined;
  /** Unix time; what the container has put out before is not shown. Undefined: all is shown. */
  readonly sinceNs: bigint | undefined;
  readonly detachKeys: Buffer;
  /** Passes signals on; absent: they are this process's. */
  readonly proxy: SignalProxy | undefined;
  /** Of its output only that is shown; absent: all. */
  readonly streams?: ReadonlySet<StreamName>;
}

/** How it came that somebody is attached no more. */
type SessionEnd = { readonly isDetached: true } | { readonly isDetached: false; readonly exitCode: number };

/** Why standard input cannot be passed on to a terminal, before anything is done. */
export function refuseOtherInput({ interactive, tty }: { readonly interactive: boolean; readonly tty: boolean }): void {
  if (interactive && tty && !caller().isTerminal(0)) {
    throw new OrlopError("invalid", "the input device is not a TTY", { field: "tty" });
  }
}

/**
 * Connects the caller with a container that runs: its output as it comes, what is typed as its input, signals and the size
 * of the terminal. Ends with the container, or when the keys for that are typed.
 */
export async function attach({ engine }: OpenEngine, options: SessionOptions): Promise<SessionEnd> {
  const { container, proxy } = options;
  await using stack = new AsyncDisposableStack();
  const detached = new AbortController();
  const quietly = (work: Promise<void>): void => void work.catch(() => {});
  if (options.input !== undefined) stack.use(passInput(options.input, container, options.detachKeys, detached));
  proxy?.deliverTo((signal) => quietly(engine.signal(container.id, signal)));
  if (container.terminal) {
    stack.use(watchWindowSize(undefined, (size) => quietly(engine.resize(container, size))));
  }
  const since = options.sinceNs === undefined ? {} : { sinceNs: options.sinceNs };
  const output = engine.output(container, { follow: true, raw: true, ...since, signal: detached.signal });
  try {
    for await (const { stream, data } of output) {
      // A reader that has gone ends this process, and not the container.
      if (options.streams?.has(stream) !== false) await writeOutput(stream, data);
    }
  } catch (error) {
    if (!detached.signal.aborted) throw error;
  }
  if (detached.signal.aborted) return { isDetached: true };
  return { isDetached: false, exitCode: await engine.wait(container.id) };
}

/** Passes all of standard input on, to a container that nothing is shown of. @param fd closed at the end */
export async function passWholeInput(fd: number): Promise<void> {
  const socket = new Socket({ fd, readable: false, writable: true });
  try {
    await pipeline(caller().stdin, socket);
  } catch (error) {
    // A container that reads no more is no mistake of anybody's.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPIPE" && code !== "ECONNRESET") throw error;
  }
}

/** Passes standard input on until it ends, or the keys are typed. */
function passInput(fd: number, { terminal }: Container, keys: Buffer, detached: AbortController): Disposable {
  const { stdin } = caller();
  const socket = new Socket({ fd, readable: false, writable: true });
  // A container that reads no more is no mistake of anybody's.
  socket.on("error", () => {});
  const detachKeys = new DetachKeys(terminal ? keys : Buffer.alloc(0));
  const take = (data: Buffer): void => {
    const { passed, isDetached } = detachKeys.take(data);
    if (passed.length > 0 && !socket.write(passed)) {
      stdin.pause();
      socket.once("drain", () => stdin.resume());
    }
    if (isDetached) detached.abort();
  };
  const end = (): void => void socket.end();
  stdin.on("data", take).on("end", end).on("error", end);
  return {
    [Symbol.dispose]: () => {
      stdin.off("data", take).off("end", end).off("error", end).destroy();
      socket.destroy();
    },
  };
}
