import type { ByteWriter } from "./byte-writer.ts";
import type { Codec } from "./codec.ts";

const encoder = new TextEncoder();
// Not fatal: names in a dump are other people's, and one odd byte in them must not hide the rest of the dump.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function write(value: string, maxBytes: number, terminator: Uint8Array, to: ByteWriter): void {
  if (typeof value !== "string") to.fail(`${String(value)} is not text`);
  const bytes = encoder.encode(value);
  if (bytes.includes(0)) to.fail(`"${value.replaceAll("\0", "\\0")}" holds a NUL byte`);
  const total = bytes.length + terminator.length;
  if (total > maxBytes) to.fail(`"${value}" takes ${total} bytes, and ${maxBytes} is the most`);
  to.append(bytes);
  to.append(terminator);
}

function read(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Text with a terminating NUL, which `maxBytes` counts (`NLA_NUL_STRING`). Reading stops at the first NUL. */
export function terminatedText(maxBytes: number): Codec<string> {
  return {
    write: (value, to) => write(value, maxBytes, new Uint8Array(1), to),
    read: (from) => read(from.bytes),
  };
}

/** Text whose length is that of the attribute (`NLA_STRING`). Reading stops at a NUL if one is there. */
export function plainText(maxBytes: number): Codec<string> {
  return {
    write: (value, to) => write(value, maxBytes, new Uint8Array(0), to),
    read: (from) => read(from.bytes),
  };
}
