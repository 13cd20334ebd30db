import { OrlopError } from "@orlop/core";

const UNITS = "bkmgtp";

/**
 * A size as docker takes it: a decimal number with an optional unit, which is always a power of 1024 (`512m`, `1.5g`,
 * `64KiB`, `1048576`). In bytes, rounded down.
 *
 * @throws OrlopError `invalid`
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(text);
  const unit = (match?.[2] ?? "b").toLowerCase();
  const bytes = Math.floor(Number(match?.[1]) * 1024 ** UNITS.indexOf(unit));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new OrlopError("invalid", `invalid size: '${text}', it is a number with a unit b, k, m, g, t or p`);
}
