import { unlessMissing } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { leaveToCalled } from "../caller/not-here.ts";
import { printText } from "../print.ts";
import { ContainerIdFile } from "../run/container-id-file.ts";
import type { RunOptions } from "../run/run-options.ts";
import { SignalProxy } from "../run/signal-proxy.ts";
import { attach, passWholeInput, refuseOtherInput } from "./attached-session.ts";
import { Attendant } from "./attendant.ts";
import { createContainer } from "./create-container.ts";
import { type OpenEngine, openEngine } from "./open-engine.ts";

/**
 * Makes a container that outlives this command, starts it, and stays with it unless it is to be left.
 *
 * @returns the exit code
 */
export async function runKept(options: RunOptions): Promise<number> {
  if (!options.detach) leaveToCalled("who stays with a container has its streams and signals");
  if (!options.detach) refuseOtherInput(options);
  await using open = openEngine();
  await using stack = new AsyncDisposableStack();
  const idFile = options.cidfile === undefined ? undefined : stack.use(new ContainerIdFile(options.cidfile));
  const container = await createContainer(open, options);
  idFile?.write(container.id);
  if (!options.detach) return await runAttached(open, container, options);
  await startOrRemove(open, container, () => open.engine.start(container.id));
  Attendant.ensure(open.engine, open.depot.root);
  printText(`${container.id}\n`);
  return 0;
}

/** What is to be removed after its end goes as well when it does not come to a start. */
async function startOrRemove<T>(
  { engine }: OpenEngine,
  { id, autoRemove }: Container,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (autoRemove) await unlessMissing(engine.remove(id, { force: true }));
    throw error;
  }
}

type AttachOptions = Pick<RunOptions, "detachKeys" | "signalProxy" | "interactive" | "tty" | "attach">;

/** Starts a container and stays with it; resolves with its exit code, or 0 when somebody has let go of it. */
export async function runAttached(open: OpenEngine, container: Container, options: AttachOptions): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const { engine } = open;
  const proxy = options.signalProxy
    ? stack.use(new SignalProxy({ except: container.terminal ? ["SIGWINCH"] : [] }))
    : undefined;
  if (options.tty && options.interactive) {
    const { RawTerminal } = await import("../run/raw-terminal.ts");
    stack.use(await RawTerminal.take());
  }
  engine.tell(container, "attach");
  // Of one that has never run all is new, whatever becomes of the clock meanwhile.
  const hasRun = container.state.startedAtMs !== undefined;
  const sinceNs = hasRun ? BigInt(Date.now()) * 1_000_000n : undefined;
  const started = await startOrRemove(open, container, () =>
    engine.start(container.id, { holdsInput: options.interactive }),
  );
  Attendant.ensure(open.engine, open.depot.root);
  const { detachKeys, attach: streams } = options;
  if (streams !== undefined && !streams.has("stdout") && !streams.has("stderr")) {
    // As docker has it: nothing else could say which container it is.
    printText(`${container.id}\n`);
    if (started.input !== undefined) await passWholeInput(started.input);
    return 0;
  }
  const end = await attach(open, { ...started, sinceNs, detachKeys, proxy, ...(streams && { streams }) });
  if (end.isDetached) {
    engine.tell(container, "detach");
    return 0;
  }
  // Who looks after it may have done so.
  if (container.autoRemove) await unlessMissing(engine.remove(container.id, { force: true }));
  return end.exitCode;
}
