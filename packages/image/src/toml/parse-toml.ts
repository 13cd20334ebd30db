import { parse, TomlDate, TomlError, type TomlValueWithoutBigInt } from "smol-toml";

export type TomlValue = TomlValueWithoutBigInt;
export type TomlTable = Readonly<Record<string, TomlValue>>;

/** Values within values; no configuration has a tenth of them. */
const DEPTH_MAX = 32;

/**
 * Reads TOML (https://toml.io/en/v1.0.0).
 *
 * @throws SyntaxError with the line and what is wrong there
 */
export function parseToml(text: string): TomlTable {
  try {
    return parse(text, { maxDepth: DEPTH_MAX });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ""] = error.message.split("\n", 1);
    const problem = first.replace(/^Invalid TOML document: /, "");
    throw new SyntaxError(`line ${error.line}: ${problem}`, { cause: error });
  }
}

export function isTomlTable(value: TomlValue): value is TomlTable & TomlValue {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof TomlDate);
}
