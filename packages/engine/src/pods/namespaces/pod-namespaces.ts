import type { PodDescription, PodNamespace } from "../pod-description.ts";

/** What the containers of a pod join. */
export interface HeldNamespaces {
  /** By which each is found; those that the pod does not share are not there. */
  readonly paths: Readonly<Partial<Record<PodNamespace, string>>>;
  /** The user namespace that they belong to, where that is not this machine's own. */
  readonly user?: string;
  /** A directory to be their /dev/shm, with `ipc`. */
  readonly sharedMemory?: string;
}

/** What keeps the namespaces of pods while no process of theirs is there. */
export interface PodNamespaces {
  /**
   * Makes them. On a failure nothing is left. The caller holds the pod's lock.
   *
   * @param parent path of the user namespace that the pod's is to be a child of, where it has one
   */
  hold(pod: PodDescription, parent?: string): Promise<HeldNamespaces>;
  /** Undefined where they are gone: the machine was switched off, or somebody has ended what held them. */
  find(pod: PodDescription): Promise<HeldNamespaces | undefined>;
  /** Lets go of them; what is not there is no error. */
  release(pod: PodDescription): Promise<void>;
}
