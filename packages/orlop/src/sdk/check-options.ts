import { OrlopError } from "@orlop/core";

/** A check of one option: what is wrong with its value, or undefined. */
export type OptionCheck = (value: unknown) => string | undefined;

/**
 * Checks an object of options, also of callers that no compiler has checked. An option that is undefined is not there.
 *
 * @param what completes `Cannot`: `create sandbox`
 * @throws OrlopError `invalid`, with the option's name as its field
 */
export function checkOptions(what: string, options: unknown, checks: Readonly<Record<string, OptionCheck>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new OrlopError("invalid", `Cannot ${what}: its options are an object`);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const known = Object.keys(checks).join(", ");
      const way = `Try one of ${known}.`;
      throw new OrlopError("invalid", `Cannot ${what}: there is no option "${name}"\n${way}`, { field: name });
    }
    const wrong = value === undefined ? undefined : check(value);
    if (wrong !== undefined)
      throw new OrlopError("invalid", `Cannot ${what}: option "${name}": ${wrong}`, { field: name });
  }
}

export const isText: OptionCheck = (value) => {
  if (typeof value !== "string" || value === "") return "it is a string that is not empty";
  return value.includes("\0") ? "it has a zero byte" : undefined;
};

export const isAbsolutePath: OptionCheck = (value) =>
  isText(value) ?? (String(value).startsWith("/") ? undefined : "it is an absolute path");

export const isVariables: OptionCheck = (value) => {
  const wrong = isRecord(value);
  if (wrong !== undefined) return wrong;
  const odd = Object.keys(value as object).find((name) => name === "" || /[=\0]/.test(name));
  return odd === undefined ? undefined : `${JSON.stringify(odd)} is no name of a variable`;
};

export const isRecord: OptionCheck = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is an object of strings";
  const odd = Object.entries(value).find(([, each]) => typeof each !== "string" || each.includes("\0"));
  return odd === undefined ? undefined : `"${odd[0]}" is no string without zero bytes`;
};

/** setTimeout takes 31 bits. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

export const isTimeout: OptionCheck = (value) =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= TIMEOUT_MAX_MS
    ? undefined
    : `it is a whole number of milliseconds from 1 to ${TIMEOUT_MAX_MS}`;

export const isSignal: OptionCheck = (value) => (value instanceof AbortSignal ? undefined : "it is an AbortSignal");

/** A whole number from 1. */
export const isCount: OptionCheck = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? undefined : "it is a whole number greater than 0";

export function isOneOf(...values: readonly string[]): OptionCheck {
  return (value) => (values.includes(value as string) ? undefined : `it is ${values.join(" or ")}`);
}
