import { OrlopError } from "@orlop/core";
import { nftablesCommentMaxBytes, nftablesUserDataMaxBytes } from "../limits.ts";

// The kernel keeps user data as it is. What nft(8) puts there are libnftnl's records: a byte of type, a byte of
// length, the value. Whatever else another program has put there is passed over.

/** libnftnl's record types; the numbers mean something else for each kind of object. */
export const userDataTypes = {
  rule: { comment: 0 },
  chain: { comment: 0 },
  table: { comment: 0 },
  element: { comment: 0 },
  set: { keyByteOrder: 0, dataByteOrder: 1, mergeElements: 2, comment: 7 },
} as const;

/** One record. */
export interface UserDataRecord {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Throws OrlopError("invalid") past `nftablesUserDataMaxBytes`. */
export function encodeUserData(records: readonly UserDataRecord[]): Uint8Array {
  const bytes = records.flatMap(({ type, value }) => [type, value.length, ...value]);
  if (bytes.length > nftablesUserDataMaxBytes) {
    const reason = `it takes ${bytes.length} bytes, and nftablesUserDataMaxBytes is ${nftablesUserDataMaxBytes}`;
    throw new OrlopError("invalid", `Cannot encode nftables user data: ${reason}`, { operation: "encode user data" });
  }
  return Uint8Array.from(bytes);
}

/** The records, or none at all when the bytes are something else. */
export function decodeUserData(bytes: Uint8Array): UserDataRecord[] {
  const records: UserDataRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [type, length] = [bytes[at], bytes[at + 1]];
    if (type === undefined || length === undefined || at + 2 + length > bytes.length) return [];
    records.push({ type, value: bytes.slice(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return records;
}

/** A comment as nft(8) writes it: text and a NUL. Throws OrlopError("invalid") past `nftablesCommentMaxBytes`. */
export function commentRecord(type: number, comment: string): UserDataRecord {
  const text = new TextEncoder().encode(comment);
  if (text.includes(0) || text.length + 1 > nftablesCommentMaxBytes) {
    const reason = `it holds a NUL or takes more than nftablesCommentMaxBytes, ${nftablesCommentMaxBytes}`;
    throw new OrlopError("invalid", `Cannot encode comment "${comment}": ${reason}`, { operation: "encode user data" });
  }
  return { type, value: Uint8Array.of(...text, 0) };
}

/** The comment in user data, if there is one. */
export function commentOf(bytes: Uint8Array | undefined, type: number): string | undefined {
  if (bytes === undefined) return undefined;
  const record = decodeUserData(bytes).find((candidate) => candidate.type === type);
  if (record === undefined) return undefined;
  const end = record.value.indexOf(0);
  return new TextDecoder().decode(end === -1 ? record.value : record.value.subarray(0, end));
}
