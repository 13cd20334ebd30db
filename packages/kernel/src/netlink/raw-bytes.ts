import type { Codec } from "./codec.ts";

/** Uninterpreted bytes, at most `maxBytes` of them when written; a copy when read. */
export function rawBytes(maxBytes: number): Codec<Uint8Array> {
  return {
    write(value, to) {
      if (value.length > maxBytes) to.fail(`it has ${value.length} bytes, and ${maxBytes} is the most`);
      to.append(value);
    },
    read: (from) => from.bytes.slice(),
  };
}

/** An attribute without a payload (`NLA_FLAG`): its being there is the value. */
export const presence: Codec<true> = {
  write(value, to) {
    if (value !== true) to.fail("the attribute means true by being there: leave the field out for false");
  },
  read: () => true,
};
