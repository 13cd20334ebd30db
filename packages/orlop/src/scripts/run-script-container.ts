import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { generateId, OrlopError, type RootFilesystem, type RuntimeSpec } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { openRuntime } from "../run/open-runtime.ts";
import { RunMarker } from "../run/run-marker.ts";
import { OWN_RUNTIME, runtimeName } from "../run/runtime-choice.ts";
import { ownDataDirectory } from "../store/data-directory.ts";

interface ScriptContainer {
  /** For errors. */
  readonly name: string;
  readonly spec: RuntimeSpec;
  readonly rootfs: RootFilesystem;
  readonly stateDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a container to its end, whose output nobody sees unless it fails, and removes it.
 *
 * @throws OrlopError `failed` with the last that it said, for another exit code than 0; `cancelled`
 */
export async function runScriptContainer(container: ScriptContainer): Promise<void> {
  const { name, spec, rootfs, stateDirectory, signal } = container;
  using stack = new DisposableStack();
  const log = openLog();
  stack.defer(() => closeSync(log));
  const { runtime, run } = stack.use(await openRuntime(OWN_RUNTIME, stateDirectory, "inherit"));
  const id = generateId(randomBytes);
  stack.use(new RunMarker(stateDirectory, ownDataDirectory(), { id, runtime: runtimeName(OWN_RUNTIME) }));
  const output = { fd: log };
  await run({ id, bundle: "/", spec, rootfs, stdio: { stdin: "null", stdout: output, stderr: output } });
  // A container that has just ended takes no signal, and needs none.
  const end = (): void => void runtime.signal(id, constants.signals.SIGKILL).catch(() => {});
  signal?.addEventListener("abort", end);
  try {
    if (signal?.aborted) end();
    const { exitCode } = await runtime.wait(id);
    const problem = signal?.aborted ? "it was ended" : `exit code ${exitCode}\n${endOf(log)}`;
    const code = signal?.aborted ? "cancelled" : "failed";
    if (signal?.aborted || exitCode !== 0) {
      throw new OrlopError(code, `Cannot run maintainer scripts of "${name}": ${problem}`, { cause: signal?.reason });
    }
  } finally {
    signal?.removeEventListener("abort", end);
    await runtime.delete(id, { force: true });
  }
}

/** A file without a name. */
function openLog(): number {
  const path = join(tmpdir(), `orlop-scripts-${randomUUID()}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

const SHOWN_MAX_BYTES = 2000;
const SHOWN_MAX_LINES = 15;

/** The last lines of a file. */
function endOf(fd: number): string {
  const { size } = fstatSync(fd);
  const end = Buffer.alloc(Math.min(size, SHOWN_MAX_BYTES));
  readSync(fd, end, 0, end.length, size - end.length);
  return end.toString().trimEnd().split("\n").slice(-SHOWN_MAX_LINES).join("\n");
}
