/** The numbers of a device node, in the C library's encoding in 64 bits: makedev(3), sys/sysmacros.h. */
export function deviceNumber(rdev: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(rdev);
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & ~0xffn & 0xffff_ffffn)),
  };
}
