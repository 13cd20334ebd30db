import { mkdirSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import { NotHere } from "../caller/not-here.ts";
import type { Image, OpenImageOptions } from "../image/image.ts";
import { printWarning } from "../print.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { ContainerIdFile } from "./container-id-file.ts";
import { openForeground } from "./foreground.ts";
import type { MachineView } from "./machine-view.ts";
import { MeanwhileSweep } from "./meanwhile-sweep.ts";
import { NameClaim } from "./name-claim.ts";
import { prepareContainer } from "./prepare-container.ts";
import { RunMarker } from "./run-marker.ts";
import { runOnCurrentRoot } from "./run-on-current-root.ts";
import type { RunOptions } from "./run-options.ts";
import { ToldRun } from "./told-run.ts";

/**
 * Makes a container, stays with it until it ends, removes it, and resolves with its exit code.
 *
 * @param open opens another image than the one that the options name
 * @throws OrlopError
 */
export async function runContainer(
  options: RunOptions,
  machine: MachineView,
  open?: (given: OpenImageOptions) => Promise<Image>,
): Promise<number> {
  const rawInput = options.tty && options.interactive;
  if (rawInput && !caller().isTerminal(0))
    throw new OrlopError("invalid", "the input device is not a TTY", { field: "tty" });
  await using stack = new AsyncDisposableStack();
  const prepared = stack.use(await prepareContainer(options, machine, open));
  const { id } = prepared;
  for (const warning of prepared.warnings) printWarning(warning);
  const idFile = options.cidfile === undefined ? undefined : stack.use(new ContainerIdFile(options.cidfile));
  if (options.log !== undefined && options.log.driver !== "passthrough") {
    const what = "with --rm in the foreground a container has this command's own streams";
    throw new OrlopError("unsupported", `Cannot use flag "--log-driver": ${what}\nTry --detach, or no --rm.`);
  }
  if (options.name !== undefined) stack.use(new NameClaim(prepared.stateDirectory, options.name, id));
  makeDirectories(prepared.description.directories);

  const foreground = stack.use(await openForeground({ ...options, stateDirectory: prepared.stateDirectory }));
  stack.use(new RunMarker(prepared.stateDirectory, ownDataDirectory(), prepared.description));
  if (options.name !== undefined) await refuseKept(options.name);
  const told = stack.use(new ToldRun(ownDataDirectory(), prepared.description));
  await runOnCurrentRoot(prepared, (request) => foreground.run(request));
  let isDeleted = false;
  stack.defer(async () => {
    // Ended and deleted, unless something has failed: that is what the user is to hear of, not this.
    if (!isDeleted) await foreground.delete(id, { force: true }).catch(() => {});
  });
  idFile?.write(id);
  const { consoleSize } = prepared.request.spec.process ?? {};
  foreground.attach({ id, size: consoleSize && { rows: consoleSize.height, columns: consoleSize.width } });
  told.started();
  const sweep = new MeanwhileSweep(prepared.stateDirectory, (error) =>
    printWarning(`cannot clean up after another run: ${error instanceof Error ? error.message : error}`),
  );
  caller().afterwards(() => void sweep.begin());
  const exit = await foreground.wait({ id });
  await foreground.delete(id);
  isDeleted = true;
  told.ended(exit);
  await sweep.done;
  return exit.exitCode;
}

async function refuseKept(name: string): Promise<void> {
  // Loaded no sooner: most containers of this kind have no name, and look nothing up.
  const { openEngine } = await import("../containers/open-engine.ts");
  await using open = openEngine();
  open.engine.refuseKept(name);
}

function makeDirectories(paths: readonly string[]): void {
  if (paths.length > 0 && caller().umask !== process.umask()) throw new NotHere("directories get the caller's modes");
  for (const path of paths) {
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw systemFailure(`make directory "${path}" to bind it`, cause, "mounts");
    }
  }
}
