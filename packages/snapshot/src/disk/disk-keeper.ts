import type { DiskMount } from "@orlop/kernel";
import type { OpenDisk } from "./open-disk.ts";

/** How the disks of snapshots come to be and go, each of which holds a root file system of its own in whole. */
export interface DiskKeeper {
  readonly name: string;
  /** Throws `unsupported` where there are no disks of a size that somebody asks for. */
  checkLimit(): void;
  /** Makes the directory of a snapshot, with an empty file system; absent: of the size that all have. */
  make(directory: string, sizeBytes?: number): Promise<void>;
  /** Makes the directory of a snapshot, with a disk that is that of a committed one. */
  copy(from: string, directory: string): Promise<void>;
  /** Whether a copy of the disk would have the size and the type that all have. */
  isUsual(directory: string): boolean;
  /** How the disk of an active snapshot is mounted. */
  mount(directory: string, readonly: boolean): DiskMount;
  /** How the disk of a committed snapshot is mounted for a view, which has a directory. */
  view(directory: string, parent: string): DiskMount;
  /** Has what is to be mounted be there, of an active snapshot or, with a parent, of a view. Absent: it always is. */
  show?(directory: string, parent: string | undefined): Promise<void>;
  /** Opens the disk of an active snapshot or, to read, of a committed one. */
  open(directory: string, readonly: boolean): Promise<OpenDisk>;
  /** Makes the disk of an active snapshot durable. Throws `conflict` where it is mounted still. */
  seal(directory: string): Promise<void>;
  /** Of any snapshot, also of one that was not finished. */
  remove(directory: string): Promise<void>;
  /** Removes what dead processes have left elsewhere than in directories. Absent: nothing. */
  cleanup?(): Promise<void>;
}
