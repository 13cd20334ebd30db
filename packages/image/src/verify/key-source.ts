import { readFileSync } from "node:fs";
import { systemFailure } from "@orlop/kernel";
import type { KeySource } from "./policy.ts";

/** For errors. */
export function keyName(source: KeySource): string {
  return "path" in source ? source.path : "keyData";
}

/** @throws OrlopError */
export function readKeySource(source: KeySource): Buffer {
  if (!("path" in source)) return source.data;
  try {
    return readFileSync(source.path);
  } catch (cause) {
    throw systemFailure(`read key "${source.path}"`, cause);
  }
}
