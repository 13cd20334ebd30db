import type { ProgramBuilder } from "./builder.ts";
import type { Pointer, Slot } from "./instruction.ts";

/** Digits of PID_MAX_LIMIT, include/linux/threads.h: the most that {@link emitDecimal} writes. */
export const PID_DIGITS_MAX = 7;

/**
 * Writes the number in `value`, at least 1, into each of `places` as decimal digits, aligned to the right; what stands to
 * their left stays. A place has {@link PID_DIGITS_MAX} bytes.
 *
 * Aligned to the left, it may be 0, and is ended by a NUL, for which a place has one byte more.
 */
export function emitDecimal(
  p: ProgramBuilder,
  value: Slot,
  places: readonly Pointer[],
  alignment: "left" | "right" = "right",
): void {
  const isLeft = alignment === "left";
  const powers = Array.from({ length: PID_DIGITS_MAX }, (_, index) => 10n ** BigInt(PID_DIGITS_MAX - 1 - index));
  const positive = p.bytes(words(powers), "[powers of 10]");
  const negative = p.bytes(words(powers.map((power) => -power)), "[-powers of 10]");
  const rest = p.slot("rest");
  const power = p.slot("power");
  const digit = p.slot("digit");
  const offset = p.slot("offset");
  const position = p.slot("position");
  const leading = p.slot("leading");
  const next = p.label("next digit");
  const count = p.label("count");
  const counted = p.label("counted");
  const print = p.label("print");
  const skip = p.label("skip");
  p.set(rest, value);
  p.set(offset, 0);
  p.set(position, 0);
  p.set(leading, 1);
  p.mark(next);
  p.set(digit, p.number(0x30, "'0'"));
  p.mark(count);
  p.load(power, positive, 8, offset);
  p.branch(rest, "lt", power, counted);
  p.load(power, negative, 8, offset);
  p.add(rest, rest, power);
  p.add(digit, digit, 1);
  p.jump(count);
  p.mark(counted);
  p.branch(digit, "ne", p.number(0x30, "'0'"), print);
  if (isLeft) p.branch(offset, "eq", 8 * (PID_DIGITS_MAX - 1), print);
  p.branch(leading, "eq", 1, skip);
  p.mark(print);
  p.set(leading, 0);
  for (const place of places) p.store(place, 1, digit, position);
  if (isLeft) p.add(position, position, 1);
  p.mark(skip);
  p.add(offset, offset, 8);
  if (isLeft) {
    p.branch(offset, "lt", 8 * PID_DIGITS_MAX, next);
    for (const place of places) p.store(place, 1, 0, position);
  } else {
    p.add(position, position, 1);
    p.branch(position, "lt", PID_DIGITS_MAX, next);
  }
}

function words(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigInt64LE(value, 8 * index);
  return bytes;
}
