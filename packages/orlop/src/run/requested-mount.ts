import { isAbsolute, posix } from "node:path";
import { type Mount, OrlopError } from "@orlop/core";

/** A mount that the user asks for. */
export interface RequestedMount {
  readonly mount: Mount;
  /** Its source is this volume's directory, which is not known yet. */
  readonly volume?: RequestedVolume;
  /** Make the host's directory when nothing is there. */
  readonly createSource?: boolean;
  /** Whom files of the source belong to that are the container's user's in it, and none else's. */
  readonly owner?: FileOwner;
  /** All files of its source are given to the container's user when that is made. */
  readonly isGiven?: boolean;
  /** What is written there stays in memory, and goes with the container. */
  readonly discards?: boolean;
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

interface RequestedVolume {
  /** Absent: one that is made for this container alone. */
  readonly name: string | undefined;
  /** A new one gets what the image has at that place. */
  readonly copies: boolean;
}

/** What an empty file system in memory is mounted with unless the user says otherwise: docker's choice. */
export const TMPFS_OPTIONS: readonly string[] = ["noexec", "nosuid", "nodev"];

/**
 * The place of a mount: absolute, without `.`, `..` and doubled slashes, and not the root.
 *
 * @throws OrlopError `invalid`
 */
export function parseDestination(path: string): string {
  if (!isAbsolute(path)) throw invalid(`invalid mount path: '${path}' mount path must be absolute`);
  const clean = posix.normalize(path).replace(/\/$/, "");
  if (clean === "") throw invalid("invalid specification: destination can't be '/'");
  if (clean.includes("\0")) throw invalid("invalid mount path: it has a zero byte");
  return clean;
}

export function invalid(message: string): OrlopError {
  return new OrlopError("invalid", message);
}
