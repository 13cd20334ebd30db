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
  /**
   * `ro` and `rw`: with everything that is mounted below it. `overlay`: a directory that can be written to, and stays as it is:
   * what is written is in memory and goes with the sandbox. What is mounted below it does not show then.
   *
   * Absent: `ro`.
   */
  readonly mode?: "ro" | "rw" | "overlay";
  /**
   * `map`: what belongs to the owner of `from` belongs to the sandbox's user in it, and what that user makes there belongs to
   * the owner of `from`; files of others are nobody's. Needs Linux 5.12 and a file system that knows of it, and, for root,
   * nothing else. An ordinary user's sandbox has the caller's files as its own anyway, and can have none of others.
   *
   * Absent: ids are what they are.
   */
  readonly owner?: "map";
}

/** A network, and what may be reached by it. */
export interface NetworkRequest {
  /** Absent: `bridge`. */
  readonly name?: string;
  /**
   * All that it may begin to talk to: `TO[:PORT[-PORT]][/PROTOCOL]`, an address, a prefix or a name of DNS each (`*.` in front
   * stands for all below it). It holds outside of the sandbox; an ordinary user needs what
   * networks need (slirp4netns or pasta). Absent: everything.
   */
  readonly allow?: readonly string[];
}

/**
 * A secret that a sandbox's programs use without having it. In their environment stands a placeholder of no worth; requests to the
 * secret's own servers get the value in its place, outside of the sandbox, and what comes back the placeholder.
 */
export interface SandboxSecret {
  /** Printable ASCII, 8 to 8192 characters. Of this, `env` and `file` there is one. */
  readonly value?: string;
  /** A variable of this process that has it. */
  readonly env?: string;
  /** A file of this machine that has it, without the line's end behind it. */
  readonly file?: string;
  /**
   * The servers that it is for: `[http://]NAME[:PORT]`, and by HTTPS unless it says otherwise. The sandbox reaches them, also with
   * network `none`; with a list of what may be reached, they have to be in it. `localhost` and names below it (`api.localhost`)
   * are this machine's loopback.
   */
  readonly hosts: readonly string[];
  /**
   * Where in a request it may be put: any field of its head or a certain one, the path with its query, the content. Absent:
   * `["headers"]`.
   */
  readonly in?: readonly ("headers" | `header:${string}` | "url" | "body")[];
}

/**
 * What a sandbox is to be isolated by: `auto` takes what there is, `min` nothing that is weaker. `oci:PROGRAM` (`oci:runsc`) has
 * another OCI runtime make it, and `shim:NAME` (`shim:io.containerd.runc.v2`) a shim of containerd's; what isolates it is theirs
 * then.
 */
export type IsolationRequest =
  | "auto"
  | "process"
  | "vm"
  | `oci:${string}`
  | `shim:${string}`
  | { readonly min: Isolation };

/**
 * Weakest first. `process`: namespaces, cgroups and a filter of system calls, on this machine's kernel. `wasm`: a machine of
 * WebAssembly. `sentry`: a kernel in a program. `vm`: a kernel of its own.
 */
export type Isolation = "process" | "wasm" | "sentry" | "vm";

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
  /**
   * What is written to its root file system at most: bytes, or text with a unit as with `memory`. For images whose snapshotter
   * has limits here (`docs/snapshotters.md`); refused elsewhere. Absent: no limit.
   */
  readonly disk?: number | string;
  /** Milliseconds from its creation until it ends with all that runs in it. Absent: no limit. */
  readonly timeoutMs?: number;
  /** Ends it, also while it is being created. */
  readonly signal?: AbortSignal;
  /**
   * `none`: a loopback of its own and nothing else; `host`: this machine's; `bridge`, or the name of a network (`orlop network
   * create`): connected with that, and by it with the world. Absent: `none`.
   */
  readonly network?: "none" | "host" | "bridge" | (string & {}) | NetworkRequest;
  /**
   * By the variables that have their placeholders. Clients in the sandbox have to trust an authority that is the sandbox's own,
   * which the usual variables tell them (`SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`, ...); ports 443, or those that `hosts` say, of
   * the sandbox's loopback are taken. What servers get they could tell: put in those that are trusted with the secret.
   */
  readonly secrets?: Readonly<Record<string, SandboxSecret>>;
  readonly mounts?: readonly SandboxMount[];
  /** By which `orlop ps --filter label=...` finds it. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What sandboxes of a fork have otherwise than the one that its snapshot was taken of. */
export type ForkOptions = Omit<Partial<SandboxOptions>, "image">;

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
