import { OrlopError } from "@orlop/core";
import type { Codec } from "./codec.ts";
import { hardwareAddressMaxBytes } from "./limits.ts";

const PATTERN = /^[0-9a-f]{2}(:[0-9a-f]{2})*$/i;

/** `02:42:0a:00:00:01` to its bytes. Throws OrlopError("invalid") on anything else. */
export function parseHardwareAddress(text: string): Uint8Array {
  const parts = text.split(":");
  if (!PATTERN.test(text) || parts.length > hardwareAddressMaxBytes) {
    throw new OrlopError(
      "invalid",
      `Cannot parse hardware address "${text}": it is not hexadecimal bytes with colons`,
      {
        operation: "parse hardware address",
      },
    );
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

/** Bytes to lower-case `02:42:0a:00:00:01`; no bytes give the empty text. */
export function formatHardwareAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** A link-layer address as text. Its length is the link's: 6 bytes for Ethernet, 4 or 16 for tunnels, 0 for some. */
export const hardwareAddress: Codec<string> = {
  write(value, to) {
    if (!PATTERN.test(value)) to.fail(`"${value}" is not hexadecimal bytes with colons`);
    to.append(parseHardwareAddress(value));
  },
  read(from) {
    if (from.length > hardwareAddressMaxBytes) {
      from.fail(`it has ${from.length} bytes, and hardwareAddressMaxBytes is ${hardwareAddressMaxBytes}`);
    }
    return formatHardwareAddress(from.bytes);
  },
};
