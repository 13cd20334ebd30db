import { OrlopError } from "@orlop/core";

/** What is in a frame (ttrpc's PROTOCOL.md, "Message Types"). */
export const FRAME_TYPE = { request: 1, response: 2, data: 3 } as const;

/** What follows a request or a datum (PROTOCOL.md, "Request Flags", "Data Flags"). */
export const FRAME_FLAG = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

/** Length of the data, stream id, type, flags; big-endian (PROTOCOL.md, "Message Frame"). */
const FRAME_HEADER_BYTES = 10;
/** Data of one frame at most: the protocol's own limit. */
export const FRAME_DATA_MAX_BYTES: number = 4 * 1024 * 1024;

export interface Frame {
  readonly stream: number;
  /** One of {@link FRAME_TYPE}, or one of a later version. */
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/** Throws `exhausted` for more data than a frame takes. */
export function encodeFrame({ stream, type, flags, data }: Frame): Buffer {
  if (data.length > FRAME_DATA_MAX_BYTES) throw tooLarge("send", data.length);
  const out = Buffer.alloc(FRAME_HEADER_BYTES + data.length);
  out.writeUInt32BE(data.length, 0);
  out.writeUInt32BE(stream, 4);
  out[8] = type;
  out[9] = flags;
  out.set(data, FRAME_HEADER_BYTES);
  return out;
}

/** Cuts what a connection brings into frames, wherever its chunks begin and end. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** The frames that `chunk` completes. Throws `invalid` for one that is larger than a frame can be. */
  read(chunk: Uint8Array): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#length < FRAME_HEADER_BYTES) return undefined;
    const header = this.#joined(FRAME_HEADER_BYTES);
    const length = header.readUInt32BE(0);
    if (length > FRAME_DATA_MAX_BYTES) throw tooLarge("receive", length);
    const end = FRAME_HEADER_BYTES + length;
    if (this.#length < end) return undefined;
    const bytes = this.#joined(end);
    this.#chunks = [bytes.subarray(end)];
    this.#length = bytes.length - end;
    return {
      stream: bytes.readUInt32BE(4),
      type: bytes[8] ?? 0,
      flags: bytes[9] ?? 0,
      data: bytes.subarray(FRAME_HEADER_BYTES, end),
    };
  }

  /** What has come, with at least the first `length` bytes in one piece; a large frame is put together once. */
  #joined(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return Buffer.from(first.buffer, first.byteOffset, first.length);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function tooLarge(verb: "send" | "receive", length: number): OrlopError {
  const code = verb === "send" ? "exhausted" : "invalid";
  return new OrlopError(
    code,
    `Cannot ${verb} frame "${length} bytes": it exceeds FRAME_DATA_MAX_BYTES (${FRAME_DATA_MAX_BYTES})`,
  );
}
