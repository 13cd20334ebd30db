import type { NetworkDriver, Runtime } from "@orlop/core";
import { type Container, type ContainerDescription, Engine } from "@orlop/engine";
import type { ProcessRuntimeOptions } from "@orlop/runtime";
import { caller } from "../caller/caller.ts";
import { printWarning } from "../print.ts";
import { type MachineView, readMachineView } from "../run/machine-view.ts";
import { openRuntime } from "../run/open-runtime.ts";
import { listRunning } from "../run/run-marker.ts";
import { parseRuntime } from "../run/runtime-choice.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ContainerRoots } from "./container-roots.ts";
import { NamesProcess } from "./names-process.ts";
import { openNetworks } from "./open-networks.ts";
import { OwnLogs } from "./own-logs.ts";

/** This user's engine, and what it was put together of. */
export interface OpenEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly depot: Depot;
  readonly machine: MachineView;
  /** What connects containers with networks here. @throws OrlopError `unsupported` */
  networks(): Promise<NetworkDriver>;
  /** On tmpfs. */
  readonly stateDirectory: string;
}

/** How the processes are started that containers are made by. */
type MakerOptions = Pick<ProcessRuntimeOptions, "enterOwnCgroup" | "layers">;

/**
 * Puts this user's engine together. What runs outlives the result.
 *
 * @param warn is told what a user should know of a call that goes on nevertheless
 */
export function openEngine(makers: MakerOptions = {}, warn: (message: string) => void = printWarning): OpenEngine {
  const { daemon } = caller();
  return daemon === undefined
    ? openOwnEngine(makers, warn)
    : { ...daemon.engine, machine: readMachineView(), ...LEFT_OPEN };
}

const LEFT_OPEN: AsyncDisposable = { [Symbol.asyncDispose]: async () => {} };

function openOwnEngine(makers: MakerOptions, warn: (message: string) => void): OpenEngine {
  const stack = new AsyncDisposableStack();
  const depot = stack.use(openDepot());
  const machine = readMachineView();
  const directory = stateDirectory(machine.uid, machine.env);
  const runtimes = new Map<string, Promise<Runtime>>();
  const open = async (name: string): Promise<Runtime> =>
    stack.use(await openRuntime(parseRuntime(name), directory, "ignore", makers)).runtime;
  let driver: Promise<NetworkDriver> | undefined;
  const engine = new Engine({
    database: depot.database,
    directory: depot.root,
    stateDirectory: directory,
    roots: new ContainerRoots(depot, machine.rootless),
    logs: stack.use(new OwnLogs()),
    networks: () => {
      driver ??= openNetworks(depot, machine, directory).then((opened) => {
        stack.defer(() => opened.close());
        return opened;
      });
      return driver;
    },
    makePipe: async () => {
      const { makePipes } = await import("../run/make-pipes.ts");
      const [pipe] = await makePipes(1);
      if (pipe === undefined) throw new Error("as many pipes as asked for");
      return pipe;
    },
    runtime(name) {
      const known = runtimes.get(name) ?? open(name);
      runtimes.set(name, known);
      return known;
    },
    warn: once(warn),
    startNames: () => NamesProcess.start(depot.root),
    transients: () => listRunning(directory, depot.root).map(asContainer),
  });
  const networks = (): Promise<NetworkDriver> => engine.networks();
  return {
    engine,
    depot,
    machine,
    networks,
    stateDirectory: directory,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** One that somebody runs in the foreground. */
function asContainer(description: ContainerDescription): Container {
  return {
    ...description,
    isTransient: true,
    state: {
      status: "running",
      pid: undefined,
      startedAtMs: description.createdAtMs,
      finishedAtMs: undefined,
      exitCode: 0,
      oomKilled: false,
      error: "",
      restartCount: 0,
      isStoppedByUser: false,
      endpoints: [],
    },
  };
}

const TOLD_MAX = 256;

/** A network goes by its name and its id, and an end is seen more than once. */
function once(warn: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    // A daemon stays for long, and each container has messages of its own.
    if (told.size >= TOLD_MAX) told.clear();
    told.add(message);
    warn(message);
  };
}
