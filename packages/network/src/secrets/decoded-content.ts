import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};
/** More are nobody's need, and each takes memory. */
const ENCODINGS_MAX = 2;

/**
 * What content goes through until its bytes are those that were meant (RFC 9110, section 8.4); undefined for an encoding that
 * is not known here.
 */
export function decodersOf(contentEncoding: string | undefined): readonly Transform[] | undefined {
  const names = (contentEncoding ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity")
    .reverse();
  if (names.length > ENCODINGS_MAX || !names.every((name) => Object.hasOwn(DECODERS, name))) return undefined;
  return names.flatMap((name) => DECODERS[name]?.() ?? []);
}
