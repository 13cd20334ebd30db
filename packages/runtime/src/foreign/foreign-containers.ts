import { mkdirSync } from "node:fs";
import { OrlopError, type State } from "@orlop/core";
import { ContainerDirectory } from "../process/container-directory.ts";
import { statesOf } from "../process/states-of.ts";
import { ForeignContainer } from "./foreign-container.ts";

/** The containers of one runtime, by their directories. */
export class ForeignContainers {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    ContainerDirectory.sweep(root);
  }

  /** It need not exist. */
  get(id: string): ForeignContainer {
    return new ForeignContainer(this.root, id);
  }

  /** As `get`; throws `not-found` when there is none of this id. */
  known(id: string): ForeignContainer {
    const container = this.get(id);
    container.directory.record(id);
    return container;
  }

  /** Of a container whose maker died at once there is a directory without a record: with `force` it goes. */
  knownOrNone(id: string, force: boolean): ForeignContainer | undefined {
    try {
      return this.known(id);
    } catch (error) {
      if (!force || (error as OrlopError).code !== "not-found") throw error;
      this.get(id).directory.remove();
      return undefined;
    }
  }

  async list(stateOf: (id: string) => Promise<State>): Promise<readonly State[]> {
    return await statesOf(this.root, stateOf);
  }
}

/** SIGRTMAX; 0 only asks whether there is somebody. */
const SIGNAL_MAX = 64;

export function checkSignal(id: string, signal: number): void {
  if (Number.isInteger(signal) && signal >= 0 && signal <= SIGNAL_MAX) return;
  throw new OrlopError("invalid", `Cannot signal container "${id}": there is no signal ${signal}`);
}

/** `doing` is a verb phrase with its object: `create container "x"`. */
export function cancelled(doing: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot ${doing}: it was cancelled`, { cause: signal.reason });
}

/** Throws where the caller's privileges do not suffice to let another program make containers. */
export function expectRoot(name: string, uid: number): void {
  if (uid === 0) return;
  throw new OrlopError("unsupported", `Cannot use runtime "${name}": it needs root\nTry it as root.`);
}
