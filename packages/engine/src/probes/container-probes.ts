/** What one probe does; it succeeds or fails. */
export type ProbeAction =
  /** Executes a program in the container, which succeeds with exit code 0. */
  | { readonly kind: "exec"; readonly args: readonly string[] }
  /** Asks by HTTP at the container's loopback; an answer from 200 to 399 is a success. */
  | { readonly kind: "http"; readonly port: number; readonly path: string; readonly headers: readonly ProbeHeader[] }
  /** Connects with a port of the container's loopback. */
  | { readonly kind: "tcp"; readonly port: number };

export interface ProbeHeader {
  readonly name: string;
  readonly value: string;
}

/** One probe, as Kubernetes describes it. */
export interface ContainerProbe {
  readonly action: ProbeAction;
  /** From the start of the container to the first probe. */
  readonly initialDelayMs: number;
  /** From the end of one to the next. */
  readonly periodMs: number;
  /** One that takes longer has failed. */
  readonly timeoutMs: number;
  /** So many in a row make it pass. */
  readonly successThreshold: number;
  /** So many in a row make it fail. */
  readonly failureThreshold: number;
}

export type ProbeName = "startup" | "liveness" | "readiness";

/**
 * Kubernetes' probes of a container. Until that of the startup has passed there are no others. A container whose startup or
 * liveness fails is ended as by a stop, and its restart policy says what follows. Readiness is only told.
 */
export type ContainerProbes = Readonly<Partial<Record<ProbeName, ContainerProbe>>>;

/** Those that end the container when they fail. */
export function isDeadly(name: ProbeName): boolean {
  return name !== "readiness";
}
