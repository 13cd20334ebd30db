/** CRC-32 as zlib has it (reflected, 0xedb88320), of four bits at a time. */
const TABLE = Uint32Array.of(
  ...[0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c],
  ...[0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c],
);

/**
 * The same as `crc32` of `node:zlib`, which takes two milliseconds to load: as long as all else that a start of a container has to
 * do with the database.
 */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    crc = (TABLE[crc & 15] as number) ^ (crc >>> 4);
    crc = (TABLE[crc & 15] as number) ^ (crc >>> 4);
  }
  return ~crc >>> 0;
}
