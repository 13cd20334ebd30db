import { ConfiguredDriver } from "../configured/configured-driver.ts";
import type { NetworkRecords } from "../records/network-records.ts";
import { PastaMaker } from "./pasta-maker.ts";

export interface PastaDriverOptions {
  readonly records: NetworkRecords;
  /** For the ids of processes: exists, and is on a file system that a restart of the machine empties. */
  readonly directory: string;
}

/** The driver `pasta`: networks for ordinary users (docs/networking.md). */
export class PastaDriver extends ConfiguredDriver {
  constructor({ records, directory }: PastaDriverOptions) {
    super(new PastaMaker(directory), records);
  }
}
