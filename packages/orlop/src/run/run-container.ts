import { mkdirSync } from "node:fs";
import { isatty } from "node:tty";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { printWarning } from "../print.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { ContainerIdFile } from "./container-id-file.ts";
import type { MachineView } from "./machine-view.ts";
import { NameClaim } from "./name-claim.ts";
import { openRelay } from "./open-relay.ts";
import { openRuntime } from "./open-runtime.ts";
import { prepareContainer } from "./prepare-container.ts";
import { RunMarker } from "./run-marker.ts";
import { runOnCurrentRoot } from "./run-on-current-root.ts";
import type { RunOptions } from "./run-options.ts";
import { SignalProxy } from "./signal-proxy.ts";
import { sweepOrphans } from "./sweep-orphans.ts";

/**
 * Makes a container, stays with it until it ends, removes it, and resolves with its exit code.
 *
 * @throws OrlopError
 */
export async function runContainer(options: RunOptions, machine: MachineView): Promise<number> {
  const rawInput = options.tty && options.interactive;
  if (rawInput && !isatty(0)) throw new OrlopError("invalid", "the input device is not a TTY", { field: "tty" });
  await using stack = new AsyncDisposableStack();
  const prepared = stack.use(await prepareContainer(options, machine));
  const { id } = prepared;
  for (const warning of prepared.warnings) printWarning(warning);
  const idFile = options.cidfile === undefined ? undefined : stack.use(new ContainerIdFile(options.cidfile));
  if (options.log !== undefined && options.log.driver !== "passthrough") {
    const what = "with --rm in the foreground a container has this command's own streams";
    throw new OrlopError("unsupported", `Cannot use flag "--log-driver": ${what}\nTry --detach, or no --rm.`);
  }
  if (options.name !== undefined) stack.use(new NameClaim(prepared.stateDirectory, options.name, id));
  makeDirectories(prepared.description.directories);

  const proxy = options.signalProxy
    ? stack.use(new SignalProxy({ except: options.tty ? ["SIGWINCH"] : [] }))
    : undefined;
  if (rawInput) {
    const { RawTerminal } = await import("./raw-terminal.ts");
    stack.use(await RawTerminal.take());
  }
  const relay = await openRelay(options, prepared.stateDirectory);
  if (relay !== undefined) stack.use(relay);
  const { runtime, run } = stack.use(await openRuntime(options.runtime, prepared.stateDirectory, relay ?? "inherit"));
  stack.use(new RunMarker(prepared.stateDirectory, ownDataDirectory(), prepared.description));
  await runOnCurrentRoot(prepared, run);
  let isDeleted = false;
  stack.defer(async () => {
    // Ended and deleted, unless something has failed: that is what the user is to hear of, not this.
    if (!isDeleted) await runtime.delete(id, { force: true }).catch(() => {});
  });
  idFile?.write(id);
  // A container that has just ended takes no signal and no size, and needs none.
  const quietly = (work: Promise<void>): void => void work.catch(() => {});
  proxy?.deliverTo((signal) => quietly(runtime.signal(id, signal)));
  if (options.tty) {
    const { watchWindowSize } = await import("./window-size.ts");
    const { consoleSize } = prepared.request.spec.process ?? {};
    const known = consoleSize && { rows: consoleSize.height, columns: consoleSize.width };
    stack.use(watchWindowSize(known, (size) => quietly(runtime.resize(id, size))));
  }
  // Meanwhile, while there is nothing else to do.
  const removal = sweepOrphans(prepared.stateDirectory);
  removal.catch((error) =>
    printWarning(`cannot clean up after another run: ${error instanceof Error ? error.message : error}`),
  );
  const { exitCode } = await runtime.wait(id);
  await runtime.delete(id);
  isDeleted = true;
  await removal.catch(() => {});
  return exitCode;
}

function makeDirectories(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw systemFailure(`make directory "${path}" to bind it`, cause, "mounts");
    }
  }
}
