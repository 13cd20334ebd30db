/** Something that a container has written, or what is known of it. */
export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** Unix time at which the pump took its first byte. */
  readonly timeNs: bigint;
  /** A line with its end; or without, where there is none yet, or the line is longer than {@link LINE_MAX_BYTES}. */
  readonly data: Buffer;
  /** So many bytes, of any stream, were lost here, because there was no room for the log; `data` says so, or is empty among chunks. */
  readonly droppedBytes?: bigint;
}

/** A longer line comes in pieces of this size. The others' limit, too: docker's json-file, containerd's and CRI-O's CRI logs. */
export const LINE_MAX_BYTES = 16_384;
