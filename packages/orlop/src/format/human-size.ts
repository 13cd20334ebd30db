import { generalText } from "./template/printf.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

/** A size as docker prints it: 1.234MB, of powers of 1000, with up to so many digits that count. */
export function humanSize(bytes: number, digits = 4): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${generalText(size, digits)}${UNITS[unit]}`;
}
