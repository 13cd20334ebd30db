import type { Architecture } from "@orlop/kernel";

/** What a log pump is to do; see {@link LogPumpOptions}. */
export interface PumpPlan {
  readonly architecture: Architecture;
  readonly directory: string;
  readonly stdin: boolean;
  readonly terminal: boolean;
  readonly resume: boolean;
  readonly file: string;
  /** Absent: a file is only ever left behind because it is damaged. */
  readonly maxSizeBytes: number | undefined;
  readonly maxFiles: number;
}
