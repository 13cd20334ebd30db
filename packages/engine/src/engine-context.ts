import type { Logs, Mount, NetworkDriver, RootFilesystem, Runtime } from "@orlop/core";
import type { Database } from "@orlop/image";
import type { ToldNetworks } from "./life/told-networks.ts";
import type { PodNamespaces } from "./pods/namespaces/pod-namespaces.ts";
import type { PodRows } from "./pods/pod-rows.ts";
import type { ContainerRoot } from "./state/container-description.ts";
import type { Container, ContainerRows } from "./state/container-rows.ts";
import type { EventJournal } from "./state/event-journal.ts";
import type { EventRows } from "./state/event-rows.ts";

/** What has been made elsewhere for a container to live in. */
export interface RootStore {
  /** As it is now, with mounts that complete it. */
  open(root: ContainerRoot): Promise<{ readonly rootfs: RootFilesystem; readonly mounts: readonly Mount[] }>;
  /** With all that was written to it; what is not there is no error. */
  remove(root: ContainerRoot): Promise<void>;
  /** Removes what was made for a container of that id, which did not come about. */
  discard(id: string): Promise<void>;
}

/** What an engine is put together of. */
export interface EngineParts {
  /** Shared with whoever else keeps tables in it. */
  readonly database: Database;
  /** For what outlives a start of the machine: logs, files of containers. */
  readonly directory: string;
  /** On tmpfs, of this user alone: FIFOs of what runs. Short, as sockets may lie there. */
  readonly stateDirectory: string;
  /** The runtime of that name; containers that it makes outlive this process. */
  runtime(name: string): Promise<Runtime>;
  readonly roots: RootStore;
  readonly logs: Logs;
  /** What connects containers with networks. */
  networks(): Promise<NetworkDriver>;
  /** Has a process run {@link Engine.serveNames}, where there is none. */
  startNames?(): void;
  /** A pipe for what a probe puts out; both ends are the caller's to close. */
  makePipe(): Promise<{ readonly reader: number; readonly writer: number }>;
  /** Containers that end with the command that runs them, and are in no database. */
  transients(): readonly Container[];
  /** Told what a user should know of a call that goes on nevertheless. */
  warn?(message: string): void;
  /** What holds the namespaces of pods; absent: the kernel, by files as root and by a small process otherwise. */
  readonly podNamespaces?: PodNamespaces;
}

/** The same, with what the engine adds. */
export interface EngineContext extends EngineParts {
  networks(): Promise<ToldNetworks>;
  readonly rows: ContainerRows;
  readonly events: EventRows;
  /** Of what is not in the database yet. */
  readonly journal: EventJournal;
  readonly podRows: PodRows;
  readonly namespaces: PodNamespaces;
  /** Without privileges over this machine. */
  readonly rootless: boolean;
}
