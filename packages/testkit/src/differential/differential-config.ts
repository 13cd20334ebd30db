import type { RuntimeSpec } from "@orlop/core";

/** What a config may use while it is made. Each runtime gets a fresh one, so nothing that one leaves reaches the next. */
export interface ConfigContext {
  /** The container's id. */
  readonly id: string;
  /** The bundle, absolute; its last component is unique. */
  readonly bundle: string;
  /** The root file system: busybox, and the probe as `/probe.sh`. */
  readonly rootfs: string;
  /** An empty directory of the host, for sources of bind mounts. */
  readonly host: string;
  /** What must be undone after the run goes here. */
  readonly stack: AsyncDisposableStack;
  /** Says what a namespace is called in the dump: `net:[4026531840]`, `path`. */
  nameNamespace(identity: string, name: string): void;
}

/** One case of the comparison: an OCI config, and what to look at. */
export interface DifferentialConfig {
  /** Short, kebab-case, unique. */
  readonly name: string;
  /** What it exercises, as the end of "handles ...". */
  readonly exercises: string;
  /** Prepares the context's directories and says what config.json holds. */
  readonly make: (context: ConfigContext) => RuntimeSpec | Promise<RuntimeSpec>;
  /** Shell lines run at the probe's end; each line they print is a fact, `key value`. */
  readonly extra?: string;
  /** False: the process is not the probe, and its exit code and output are what is compared. */
  readonly probes?: boolean;
  /** Files of the host that are facts after the run, below the context's `host`. */
  readonly hostFiles?: readonly string[];
  /** Why this machine cannot run it; undefined when it can. */
  readonly obstacle?: () => string | undefined;
}
