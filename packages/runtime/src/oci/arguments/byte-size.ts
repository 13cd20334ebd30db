/** Powers of 1024, as docker and runc read them. */
const UNITS = "kmgtp";

/** Bytes of a size such as `64m`, `1.5GB` or `50 MiB`, or undefined. */
export function parseByteSize(text: string): bigint | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  const power = unit === "" ? 0 : UNITS.indexOf(unit.toLowerCase()) + 1;
  const factor = 1024n ** BigInt(power);
  if (!digits.includes(".")) return BigInt(digits) * factor;
  return BigInt(Math.trunc(Number(digits) * Number(factor)));
}
