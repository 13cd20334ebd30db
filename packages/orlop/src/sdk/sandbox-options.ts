/** Where a sandbox's files come from. */
export type SandboxImage =
  /** The name of an image (`debian:bookworm`), or this machine's own files: `host`. Either way nothing is written there. */
  | string
  /** A directory with a root file system; what is written stays in the sandbox, unless `writable`. */
  | { readonly dir: string; readonly writable?: boolean }
  /** An OCI image layout; the tag may be left out where there is only one. */
  | { readonly oci: string; readonly tag?: string };

/** A directory or file of this machine that is shown in a sandbox. */
export interface SandboxMount {
  /** On this machine; a relative path begins at the working directory. It must be there. */
  readonly from: string;
  /** In the sandbox: absolute. */
  readonly to: string;
  /** Absent: `ro`, with everything that is mounted below it. */
  readonly mode?: "ro" | "rw";
}

/** What a sandbox must be isolated by: `auto` takes what there is. */
export type IsolationRequest = "auto" | Isolation | { readonly min: Isolation };

/** `process`: namespaces, cgroups and a filter of system calls, on this machine's kernel. `vm`: a kernel of its own. */
export type Isolation = "process" | "vm";

/** What {@link Sandbox.create} takes; whatever is not said is denied. An option of another name is refused. */
export interface SandboxOptions {
  readonly image: SandboxImage;
  /** Absent: `auto`. */
  readonly isolation?: IsolationRequest;
  /** Variables for all its commands, over those of the image. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its commands start: absolute, made where it is not there. Absent: what the image says. */
  readonly workdir?: string;
  /** `USER[:GROUP]`, names or numbers, that its commands run as. Absent: what the image says. */
  readonly user?: string;
  /** For all its processes: bytes, or text with a unit that is a power of 1024 (`512MiB`). Absent: no limit. */
  readonly memory?: number | string;
  /** Processors that it may use at most: 0.5 is half of one. Absent: no limit. */
  readonly cpus?: number;
  /** Processes and threads at a time. Absent: no limit. */
  readonly pids?: number;
  /** Milliseconds from its creation until it ends with all that runs in it. Absent: no limit. */
  readonly timeoutMs?: number;
  /** Ends it, also while it is being created. */
  readonly signal?: AbortSignal;
  /** `none`: a loopback of its own and nothing else; `host`: this machine's. Absent: `none`. */
  readonly network?: "none" | "host";
  readonly mounts?: readonly SandboxMount[];
  /** By which `orlop ps --filter label=...` finds it. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a command in a sandbox is given. An option of another name is refused. */
export interface CommandOptions {
  /** Over those of the sandbox. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute. Absent: the sandbox's. */
  readonly workdir?: string;
  /** `USER[:GROUP]`. Absent: the sandbox's. */
  readonly user?: string;
  /** Its standard input, which ends behind it. Absent: empty. */
  readonly input?: string | Uint8Array;
  /** Ends it with all that it has started; what waits for it rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it is ended with all that it has started; its result says `timedOut`. Absent: no limit. */
  readonly timeoutMs?: number;
  /** Bytes of each of its outputs that are kept, beyond which it is ended and `exhausted` thrown. Absent: 16 MiB. */
  readonly outputMaxBytes?: number;
}
