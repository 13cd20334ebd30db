import { ConfiguredDriver } from "../configured/configured-driver.ts";
import type { NetworkRecords } from "../records/network-records.ts";
import { SlirpMaker } from "./slirp-maker.ts";

export interface SlirpDriverOptions {
  readonly records: NetworkRecords;
  /** For sockets and the ids of processes: exists, and is on a file system that a restart of the machine empties. */
  readonly directory: string;
}

/** The driver `slirp4netns`: networks for ordinary users where there is no pasta (docs/networking.md). */
export class SlirpDriver extends ConfiguredDriver {
  constructor({ records, directory }: SlirpDriverOptions) {
    super(new SlirpMaker(directory), records);
  }
}
