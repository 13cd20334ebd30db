import { RUSAGE_BYTES } from "../abi/structs.ts";
import { type StructLayout, structLayout } from "../program/struct-layout.ts";

/**
 * What a program says to the process that sent it. The exit report is also, byte for byte, the durable record that a
 * reaper leaves behind in the container's state directory.
 */
export const REPORT: StructLayout<
  "length" | "request" | "kind" | "index" | "value" | "seconds" | "nanoseconds" | "rusage"
> = structLayout("report", 184, {
  length: "u32",
  request: "u32",
  kind: "u32",
  index: "u32",
  value: "s64",
  seconds: "s64",
  nanoseconds: "s64",
  rusage: RUSAGE_BYTES,
});

/**
 * - `refused` the zygote met a frame that is none and is gone
 * - `unstarted` the zygote could not clone: errno in value
 * - `failed` instruction `index` failed with the errno in value
 * - `created` init is ready and waits; its pid in value
 * - `started` the user's program has been executed
 * - `paused` the program waits for a word on its control pipe: pid in value, which stop in index
 * - `exited` init ended: si_status in value, si_code in index
 * - `ended` the program has cleaned up and is about to leave
 * - `begun` from the zygote: the program runs, as the process in value
 * - `lost` from the zygote: the process in value ended in another way than by leaving; for request 0
 * - `detached` the keys that let go of a terminal have been typed
 * - `signalled` from a launcher that tells of signals: it got the one in value; for request 0
 */
const REPORT_KINDS = [
  "refused",
  "unstarted",
  "failed",
  "created",
  "started",
  "paused",
  "exited",
  "ended",
  "begun",
  "lost",
  "signalled",
  "detached",
] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

export interface Report {
  readonly kind: ReportKind;
  readonly request: number;
  readonly index: number;
  readonly value: number;
  /** Wall clock, for `exited`. */
  readonly atMs: number;
  readonly rusage: Uint8Array;
}

export function reportKind(kind: ReportKind): number {
  return REPORT_KINDS.indexOf(kind);
}

/** Decodes one report, or undefined when the bytes are none. */
export function decodeReport(bytes: Buffer): Report | undefined {
  if (bytes.length !== REPORT.size || bytes.readUInt32LE(0) !== REPORT.size) return undefined;
  const kind = REPORT_KINDS[bytes.readUInt32LE(REPORT.fields.kind.offset)];
  if (kind === undefined) return undefined;
  return {
    kind,
    request: bytes.readUInt32LE(REPORT.fields.request.offset),
    index: bytes.readUInt32LE(REPORT.fields.index.offset),
    value: Number(bytes.readBigInt64LE(REPORT.fields.value.offset)),
    atMs:
      Number(bytes.readBigInt64LE(REPORT.fields.seconds.offset)) * 1000 +
      Math.floor(Number(bytes.readBigInt64LE(REPORT.fields.nanoseconds.offset)) / 1e6),
    rusage: bytes.subarray(REPORT.fields.rusage.offset, REPORT.fields.rusage.offset + RUSAGE_BYTES),
  };
}
