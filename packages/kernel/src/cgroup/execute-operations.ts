import { chownSync, closeSync, constants, mkdirSync, openSync, readFileSync, rmdirSync, writeSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { cgroupFailure } from "./cgroup-failure.ts";
import type { AttachDeviceFilter, CgroupOperation, CheckMemoryUse, WriteCgroupFile } from "./cgroup-plan.ts";

interface ExecuteOptions {
  /** Loads and attaches a device filter; Node cannot call bpf(2). Throws what it cannot do. */
  readonly attachDeviceFilter?: (operation: AttachDeviceFilter) => void;
}

/**
 * Executes a plan's operations in order, in this process, synchronously: for everything but a container's start,
 * where they are compiled into its program.
 *
 * All or nothing as far as directories go: when an operation fails, the cgroups of stage `leaf` that this call
 * made are removed again. Throws the OrlopError of `cgroupFailure`; OrlopError("unsupported") for a device filter
 * without `attachDeviceFilter`.
 */
export function executeCgroupOperations(operations: readonly CgroupOperation[], options: ExecuteOptions = {}): void {
  const made: string[] = [];
  try {
    for (const operation of operations) execute(operation, options, made);
  } catch (error) {
    for (const directory of made.toReversed()) removeQuietly(directory);
    throw error;
  }
}

function execute(operation: CgroupOperation, options: ExecuteOptions, made: string[]): void {
  try {
    switch (operation.kind) {
      case "mkdir":
        mkdirSync(operation.directory, 0o755);
        if (operation.stage === "leaf") made.push(operation.directory);
        return;
      case "write":
        writeOrFallBack(operation);
        return;
      case "inherit":
        inherit(operation.from, operation.directory, operation.file);
        return;
      case "chown":
        chownSync(fileOf(operation.directory, operation.file), operation.uid, -1);
        return;
      case "check-memory":
        checkMemory(operation);
        return;
      case "attach-device-filter":
        attach(operation, options);
        return;
    }
  } catch (error) {
    if (error instanceof OrlopError) throw error;
    const errno = errnoOf(error);
    if (operation.tolerate.some((tolerance) => tolerance.errno === errno)) return;
    throw cgroupFailure(operation, errno, error);
  }
}

function writeOrFallBack(operation: WriteCgroupFile): void {
  try {
    writeCgroupFile(operation.directory, operation.file, operation.value);
  } catch (error) {
    const { fallback } = operation;
    if (fallback === undefined || !fallback.when.includes(errnoOf(error))) throw error;
    for (const instead of fallback.operations) execute(instead, {}, []);
  }
}

/** One write(2) to an existing file; the caller sees the kernel's errno. */
export function writeCgroupFile(directory: string, file: string, value: string): void {
  const descriptor = openSync(fileOf(directory, file), constants.O_WRONLY);
  try {
    writeSync(descriptor, value);
  } finally {
    closeSync(descriptor);
  }
}

function inherit(from: string, directory: string, file: string): void {
  if (readFileSync(fileOf(directory, file), "utf8").trim() !== "") return;
  writeCgroupFile(directory, file, readFileSync(fileOf(from, file), "utf8"));
}

function checkMemory(operation: CheckMemoryUse): void {
  const use = BigInt(readFileSync(fileOf(operation.directory, "memory.current"), "utf8").trim());
  for (const [what, limit] of [
    ["memory and swap", operation.memoryAndSwapBytes],
    ["memory", operation.limitBytes],
  ] as const) {
    if (limit === undefined || use < limit) continue;
    throw new OrlopError("conflict", `Cannot limit ${what} to "${limit}": the container uses ${use} bytes now`, {
      operation: `limit ${what}`,
      ...(operation.field === undefined ? {} : { field: operation.field }),
    });
  }
}

function attach(operation: AttachDeviceFilter, options: ExecuteOptions): void {
  if (options.attachDeviceFilter !== undefined) {
    options.attachDeviceFilter(operation);
    return;
  }
  throw new OrlopError(
    "unsupported",
    `Cannot attach device filter to cgroup "${operation.directory}": nothing here can call bpf(2)`,
    { operation: "set up cgroup", ...(operation.field === undefined ? {} : { field: operation.field }) },
  );
}

function fileOf(directory: string, file: string | undefined): string {
  return file === undefined ? directory : `${directory}/${file}`;
}

function removeQuietly(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // The error that led here is the one to report.
  }
}

/** The symbolic errno of an error of node:fs, under Linux's name: Node calls one after a synonym that Linux does not use. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") throw error;
  return code === "ENOTSUP" ? "EOPNOTSUPP" : code;
}
