import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeRuntimeSpec, OrlopError, type Process, type RuntimeSpec } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";

/** A config with a process, without which there is nothing to create. */
export interface ProcessSpec extends RuntimeSpec {
  readonly process: Process;
}

/**
 * Reads the bundle that the command line names.
 *
 * @throws OrlopError `not-found` for a bundle or config that is not there, `invalid` for a config that cannot be used
 */
export function readBundle(
  call: Call,
  given: string | undefined,
): { readonly path: string; readonly spec: ProcessSpec } {
  const path = callPath(call, given ?? ".");
  callPath(call, join(path, CONFIG));
  return { path, spec: readConfig(path) };
}

const CONFIG = "config.json";

/** @param bundle absolute */
export function readConfig(bundle: string): ProcessSpec {
  const spec = decodeRuntimeSpec(configBytes(bundle));
  const { process } = spec;
  if (process !== undefined) return { ...spec, process };
  throw new OrlopError("invalid", `Cannot use config "${join(bundle, CONFIG)}": it has no process`, {
    field: "process",
  });
}

function configBytes(bundle: string): Uint8Array {
  const path = join(bundle, CONFIG);
  try {
    return readFileSync(path);
  } catch (error) {
    if (!existsSync(bundle)) throw systemFailure(`read bundle "${bundle}"`, error);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw systemFailure(`read config "${path}"`, error);
    // In runc's words.
    throw new OrlopError(
      "not-found",
      `Cannot read bundle "${bundle}": JSON specification file config.json not found: no such file or directory`,
      { operation: "read bundle", errno: "ENOENT", cause: error },
    );
  }
}
