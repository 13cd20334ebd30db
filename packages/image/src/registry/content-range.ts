import type { ByteRange } from "@orlop/core";

interface ContentRange extends ByteRange {
  /** Of the whole; undefined where the server does not know. */
  readonly total: number | undefined;
}

/** `bytes 0-9/100` (RFC 9110, section 14.4); undefined for anything else. */
export function parseContentRange(value: string): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value.trim());
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  if (last < first || (total !== undefined && last >= total)) return undefined;
  return { offset: first, length: last - first + 1, total };
}

/**
 * How many bytes of an upload a registry has: the `Range` of its answer, `0-9` or `bytes=0-9`. Undefined for anything
 * else. Nothing at all is written in two ways: without the header, or, as docker's registry does, as `0-0`.
 */
export function parseUploadRange(value: string): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(value.trim());
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}
