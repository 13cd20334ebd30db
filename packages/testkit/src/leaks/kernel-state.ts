/**
 * What a test may have left behind, and how to tell it from what others do on the same machine at the same time.
 *
 * Nothing is searched for by its being new. Something belongs to the test when it carries the mark (a cgroup, a mount,
 * an environment), when it lies below one of the directories, or when it descends from this process.
 */
export interface LeakScope {
  /** Part of the containers' ids and of the names of their cgroups; nobody else's contain it. */
  readonly mark: string;
  /** Directories of the test, absolute and without links: bundles, root file systems, state. */
  readonly directories: readonly string[];
  /** Those of the directories in which no new file may be left. Absent: all. */
  readonly keptDirectories?: readonly string[];
}

export const LEAK_KINDS = ["process", "namespace", "mount", "cgroup", "descriptor", "file"] as const;
export type LeakKind = (typeof LEAK_KINDS)[number];

/**
 * A reading of the kernel's objects within a scope: for each kind, what stands there, as text that says enough to find
 * it, by a key that is equal in two readings when the object is the same.
 */
export type KernelState = Readonly<Record<LeakKind, ReadonlyMap<string, string>>> & { readonly scope: LeakScope };

/** Something that is in the later reading and not in the earlier one. */
export interface Leak {
  readonly kind: LeakKind;
  readonly what: string;
}
