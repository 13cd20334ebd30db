import { existsSync } from "node:fs";
import { join } from "node:path";
import { decodeConfigProcess, decodeRuntimeSpec, OrlopError, type Process, type RuntimeSpec } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { Warn } from "../process/warn.ts";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";
import { decodeConfigOfCrun } from "./config-of-crun.ts";
import { goesByCrun } from "./goes-by-crun.ts";
import { readJsonFile } from "./read-json-file.ts";

/** A config with a process, without which there is nothing to create. */
export interface ProcessSpec extends RuntimeSpec {
  readonly process: Process;
}

/**
 * Reads the bundle that the command line names, and the config where it names one beside it.
 *
 * @param warn takes what the user should know
 * @throws OrlopError `not-found` for a bundle or config that is not there, `invalid` for a config that cannot be used
 */
export function readBundle(call: Call, given: string | undefined, config: string | undefined, warn: Warn): Bundle {
  const path = callPath(call, given ?? ".");
  const crunWarn = goesByCrun(call) ? warn : undefined;
  callPath(call, join(path, CONFIG));
  // As crun has it: the usual name means the bundle's.
  if (config === undefined || config === CONFIG) return { path, spec: readConfig(path, undefined, crunWarn) };
  const configPath = callPath(call, config);
  return { path, configPath, spec: readConfig(path, configPath, crunWarn) };
}

interface Bundle {
  /** Absolute. */
  readonly path: string;
  /** Absolute path of a config that is not the bundle's own. */
  readonly configPath?: string;
  readonly spec: ProcessSpec;
}

const CONFIG = "config.json";

/**
 * @param bundle absolute
 * @param path where the config is, absolute
 * @param crunWarn for callers of crun, who may write more into a config: takes what the user should know of that
 */
export function readConfig(bundle: string, path: string = join(bundle, CONFIG), crunWarn?: Warn): ProcessSpec {
  const bytes = configBytes(bundle, path);
  const spec = crunWarn === undefined ? decodeRuntimeSpec(bytes) : decodeConfigOfCrun(bytes, crunWarn);
  return { ...spec, process: spec.process ?? refuseWithoutProcess(path) };
}

/** The process of a config; what else there is need not be valid any more, except for callers of crun. See {@link readConfig}. */
export function readConfigProcess(bundle: string, path: string = join(bundle, CONFIG), crunWarn?: Warn): Process {
  if (crunWarn !== undefined) return readConfig(bundle, path, crunWarn).process;
  return decodeConfigProcess(configBytes(bundle, path)) ?? refuseWithoutProcess(path);
}

function refuseWithoutProcess(path: string): never {
  throw new OrlopError("invalid", `Cannot use config "${path}": it has no process`, { field: "process" });
}

function configBytes(bundle: string, path: string): Uint8Array {
  try {
    return readJsonFile(path);
  } catch (error) {
    if (!existsSync(bundle)) throw systemFailure(`read bundle "${bundle}"`, error);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || path !== join(bundle, CONFIG))
      throw systemFailure(`read config "${path}"`, error);
    // In runc's words.
    throw new OrlopError(
      "not-found",
      `Cannot read bundle "${bundle}": JSON specification file config.json not found: no such file or directory`,
      { operation: "read bundle", errno: "ENOENT", cause: error },
    );
  }
}
