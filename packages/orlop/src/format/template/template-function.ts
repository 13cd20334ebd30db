import { TemplateFault } from "./template-fault.ts";
import { typeName, type Value } from "./value.ts";

/** One function that templates can call. */
interface TemplateFunction {
  /** How many arguments it takes; absent: any number from `least` on. */
  readonly most?: number;
  readonly least: number;
  /** @throws TemplateFault */
  call(...args: readonly Value[]): Value;
}

export type FunctionTable = ReadonlyMap<string, TemplateFunction>;

export function textArgument(value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw wrongType("string", value);
}

/** An integer that fits into 32 bits: lengths and places. */
export function integerArgument(value: Value | undefined): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && Math.abs(number) < 2 ** 31) return number;
  throw wrongType("int", value);
}

export function wrongType(expected: string, value: Value | undefined): TemplateFault {
  const got = value === null || value === undefined ? "nothing" : typeName(value);
  return new TemplateFault(`wrong type for value; expected ${expected}; got ${got}`);
}
