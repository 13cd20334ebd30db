import type { Digest, ImageExecutionConfig, Mount, Platform, RootFilesystem } from "@orlop/core";

import type { ContainerRoot } from "@orlop/engine";

/** A root file system, and mounts that complete it. */
export interface ImageRoot {
  readonly rootfs: RootFilesystem;
  readonly mounts: readonly Mount[];
}

/** A root file system that is ready to be used, and what its image says about starting it. */
export interface Image extends AsyncDisposable, ImageRoot {
  /** The root as it is now, where others may change it and what is mounted in it at any time. */
  lookAgain?(): ImageRoot;
  readonly config: ImageExecutionConfig;
  /**
   * The content of a regular file of the root file system, before there is a container: /etc/passwd. Links are followed
   * within the root; undefined where there is no such file.
   *
   * @throws OrlopError `exhausted` when it is larger than `bytesMax`
   */
  readFile(path: string, bytesMax: number): Buffer | undefined;
  readonly root: ContainerRoot;
  /** Digest of its config, where it has one. */
  readonly id?: Digest;
  /** It is this machine's own. */
  readonly isHost: boolean;
  /** What got lost on the way, in sentences for a person. */
  readonly warnings: readonly string[];
  /** Lets go of its layers, or removes what was unpacked for it. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface OpenImageOptions {
  /** The container that it is for. */
  readonly containerId: string;
  /** The container will be in a user namespace of an ordinary user. */
  readonly rootless: boolean;
  /** When an image of a registry is asked for there; absent: when it is not here. */
  readonly pull?: PullPolicy;
  /** Another than this machine's. */
  readonly platform?: Platform;
  /** No progress is shown. */
  readonly quiet?: boolean;
  /** A limit on what is written; absent: none. */
  readonly writtenMaxBytes?: number;
  /** What is written stays when the result is disposed of, until the root is removed. */
  readonly keeps?: boolean;
}

export type PullPolicy = "missing" | "always" | "never";
