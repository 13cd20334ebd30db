import { TemplateFault } from "./template-fault.ts";

/**
 * A number as Go writes it: `1_000`, `0x1f`, `0b1`, `0o7`, `017`, `1.5`, `1e3`. Integers that a double cannot hold are bigints.
 *
 * @throws TemplateFault
 */
export function parseNumber(literal: string, start: number): number | bigint {
  const [, sign = "", digits = ""] = /^([+-]?)(.*)$/.exec(literal.replaceAll("_", "")) ?? [];
  if (/^(?:0[xXbBoO].|\d+$)/.test(digits)) return integer(sign, digits, { literal, start });
  const value = Number(sign + digits);
  if (Number.isFinite(value)) return value;
  throw badNumber(literal, start);
}

interface Place {
  readonly literal: string;
  readonly start: number;
}

function integer(sign: string, digits: string, { literal, start }: Place): number | bigint {
  // A leading zero alone means octal.
  const readable = /^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits;
  if (/^0o.*[89]/.test(readable)) throw badNumber(literal, start);
  const size = BigInt(readable);
  const value = sign === "-" ? -size : size;
  if (value !== BigInt.asIntN(64, value))
    throw new TemplateFault(`integer overflow: ${JSON.stringify(literal)}`, start);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function badNumber(literal: string, start: number): TemplateFault {
  return new TemplateFault(`bad number syntax: ${JSON.stringify(literal)}`, start);
}
