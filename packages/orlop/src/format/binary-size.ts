import { generalText } from "./template/printf.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** A size of memory as docker prints it: 1.234MiB, of powers of 1024, with up to four digits that count. */
export function binarySize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${generalText(size, 4)}${UNITS[unit]}`;
}
