import { type Decoder, text, where } from "./field-decoders.ts";

/** A list of CPUs or memory nodes such as `0-3,7`; empty is allowed and means none (config.md, "Linux Process"). */
export const cpuList: Decoder<string> = where(text, isCpuList, "a list of numbers and ranges such as 0-3,7");

/** How many such a list names. */
export function cpuCount(list: string): number {
  const named = list.split(",").flatMap((item) => {
    const [first = 0, last = first] = item.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return new Set(named).size;
}

function isCpuList(list: string): boolean {
  if (list === "") return true;
  return list.split(",").every((item) => {
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item);
    return range !== null && Number(range[1]) <= Number(range[2] ?? range[1]);
  });
}
