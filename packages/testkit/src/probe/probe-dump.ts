/**
 * What a probe saw, as facts that can be compared: key to value. A key is a section's name and what is meant within
 * it (`mount /proc options`, `capabilities effective`); two dumps of equal containers are equal.
 */
export type ProbeDump = ReadonlyMap<string, string>;

/** What a fact's volatile parts are, so that they can be replaced by a word that is the same everywhere. */
export interface ProbeContext {
  /** Stands as `<id>` wherever it shows. */
  readonly containerId: string;
  /** A path ending in this component, whatever is above it, stands as `<bundle>`. Unique on the machine. */
  readonly bundleName: string;
  /** Path of a cgroup of the caller's, which a relative cgroup path starts from, to its name: `<cgroup>`. */
  readonly cgroups: ReadonlyMap<string, string>;
  /** What to call namespaces that are not the container's own: `net:[4026531840]` to `host`. */
  readonly namespaces: ReadonlyMap<string, string>;
}

/** Adds a fact; a key that comes twice gets `#2`, `#3`, as with mounts on top of each other. */
export type AddFact = (key: string, value: string) => void;
