import type { ByteReader } from "./byte-reader.ts";
import type { FixedCodec } from "./codec.ts";

// Netlink is in the byte order of the machine, and both machines we run on are little-endian. The `be` codecs are for
// the families (nfnetlink) and fields (ports, addresses) that the kernel defines in network order.

type NumberSetter = (view: DataView, offset: number, value: number) => void;
type NumberGetter = (view: DataView) => number;

function exactly(from: ByteReader, size: number): void {
  if (from.length !== size) from.fail(`it has ${from.length} bytes, not ${size}`);
}

function integer(size: number, minimum: number, set: NumberSetter, get: NumberGetter): FixedCodec<number> {
  const maximum = minimum + 2 ** (8 * size) - 1;
  return {
    size,
    write(value, to) {
      if (!Number.isInteger(value) || value < minimum || value > maximum) {
        to.fail(`${value} is not an integer from ${minimum} to ${maximum}`);
      }
      to.fixed(size, (view, offset) => set(view, offset, value));
    },
    read(from) {
      exactly(from, size);
      return get(from.view);
    },
  };
}

function wideInteger(littleEndian: boolean): FixedCodec<bigint> {
  return {
    size: 8,
    write(value, to) {
      if (typeof value !== "bigint" || value !== BigInt.asUintN(64, value)) {
        to.fail(`${value} is not an unsigned 64-bit bigint`);
      }
      to.fixed(8, (view, offset) => view.setBigUint64(offset, value, littleEndian));
    },
    read(from) {
      exactly(from, 8);
      return from.view.getBigUint64(0, littleEndian);
    },
  };
}

/** A 64-bit field that the interface shows as a number, because real values (times, counts) stay below 2^53. */
function safeInteger(wide: FixedCodec<bigint>): FixedCodec<number> {
  return {
    size: 8,
    write(value, to) {
      if (!Number.isSafeInteger(value) || value < 0) to.fail(`${value} is not an integer from 0 to 2^53 - 1`);
      wide.write(BigInt(value), to);
    },
    read(from) {
      const value = wide.read(from);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) from.fail(`${value} is past 2^53 - 1`);
      return Number(value);
    },
  };
}

const SIGNED_32 = -(2 ** 31);

export const u8: FixedCodec<number> = integer(
  1,
  0,
  (view, offset, value) => view.setUint8(offset, value),
  (view) => view.getUint8(0),
);
export const u16: FixedCodec<number> = integer(
  2,
  0,
  (view, offset, value) => view.setUint16(offset, value, true),
  (view) => view.getUint16(0, true),
);
export const u32: FixedCodec<number> = integer(
  4,
  0,
  (view, offset, value) => view.setUint32(offset, value, true),
  (view) => view.getUint32(0, true),
);
export const s32: FixedCodec<number> = integer(
  4,
  SIGNED_32,
  (view, offset, value) => view.setInt32(offset, value, true),
  (view) => view.getInt32(0, true),
);
export const u64: FixedCodec<bigint> = wideInteger(true);
export const be16: FixedCodec<number> = integer(
  2,
  0,
  (view, offset, value) => view.setUint16(offset, value, false),
  (view) => view.getUint16(0, false),
);
export const be32: FixedCodec<number> = integer(
  4,
  0,
  (view, offset, value) => view.setUint32(offset, value, false),
  (view) => view.getUint32(0, false),
);
export const beS32: FixedCodec<number> = integer(
  4,
  SIGNED_32,
  (view, offset, value) => view.setInt32(offset, value, false),
  (view) => view.getInt32(0, false),
);
export const be64: FixedCodec<bigint> = wideInteger(false);
/** Network order, shown as a number; a value past 2^53 - 1 is refused. */
export const be64Number: FixedCodec<number> = safeInteger(be64);

/** A byte that is 0 or 1; anything else the kernel sends counts as true, as it does there. */
export const boolean8: FixedCodec<boolean> = {
  size: 1,
  write(value, to) {
    u8.write(value ? 1 : 0, to);
  },
  read(from) {
    return u8.read(from) !== 0;
  },
};
