/** The mask of a list such as `0-3,7`, as the kernel wants one: words of 64 bits, a bit for each number (bitmap.h). */
export function numberListMask(list: string): Buffer {
  const ranges = list.split(",").map((item) => {
    const [first = "0", last = first] = item.split("-");
    return [Number(first), Number(last)] as const;
  });
  const highest = Math.max(...ranges.map(([, last]) => last));
  const mask = Buffer.alloc((Math.floor(highest / 64) + 1) * 8);
  for (const [first, last] of ranges) {
    for (let number = first; number <= last; number++) {
      mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
    }
  }
  return mask;
}
