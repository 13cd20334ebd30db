import { checkRuntimeSpec, decodeJson, decodeRuntimeSpec, OrlopError, type RuntimeSpec } from "@orlop/core";
import type { Warn } from "../process/warn.ts";

const ARGUMENT = /^process\.args\[\d+\]$/;

/**
 * Decodes a config for callers of crun, which takes one with a number among the strings of `process.args`. There the number
 * is an empty string; here it is its digits, which is what was meant, and a warning says so.
 *
 * @throws OrlopError `invalid`
 */
export function decodeConfigOfCrun(bytes: Uint8Array, warn: Warn): RuntimeSpec {
  try {
    return decodeRuntimeSpec(bytes);
  } catch (error) {
    if (!(error instanceof OrlopError) || !ARGUMENT.test(error.field ?? "")) throw error;
    const config = decodeJson("OCI runtime config", bytes) as {
      readonly process: { readonly args: readonly unknown[] };
    };
    const args = config.process.args.map((arg, index) => {
      if (typeof arg !== "number" && typeof arg !== "bigint") return arg;
      warn(`process.args[${index}] is ${arg}, a number, and taken for a string`);
      return String(arg);
    });
    return checkRuntimeSpec({ ...config, process: { ...config.process, args } });
  }
}
