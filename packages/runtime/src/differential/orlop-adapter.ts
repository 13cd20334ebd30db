import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeRuntimeSpec, type ExitStatus, OrlopError } from "@orlop/core";
import { ProcessRuntime } from "../process/process-runtime.ts";

/** What the differential tests hand to each runtime, and what they want back; see testkit's `DifferentialRuntime`. */
interface Bundle {
  readonly id: string;
  readonly path: string;
}

interface Result {
  readonly exitCode: number;
  readonly signal: undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Our own runtime in the differential tests. */
export interface OrlopAdapter extends Disposable {
  readonly name: "orlop";
  run(bundle: Bundle): Promise<Result>;
}

/** Runs bundles through the `Runtime` contract: create, start, wait, delete. Disposing ends its zygote. */
export function orlopAdapter(stateDirectory: string): OrlopAdapter {
  const runtime = new ProcessRuntime({ root: stateDirectory });

  async function runToEnd({ id, path }: Bundle): Promise<ExitStatus> {
    const spec = decodeRuntimeSpec(readFileSync(join(path, "config.json")));
    const stdio = {
      stdin: { path: join(path, "stdin") },
      stdout: { path: join(path, "stdout") },
      stderr: { path: join(path, "stderr") },
    };
    for (const name of ["stdin", "stdout", "stderr"]) closeSync(openSync(join(path, name), "a"));
    try {
      await runtime.create({ id, bundle: path, spec, stdio });
      await runtime.start(id);
      return await runtime.wait(id);
    } finally {
      await runtime.delete(id, { force: true });
    }
  }

  async function run(bundle: Bundle): Promise<Result> {
    const read = (name: string): string => readFileSync(join(bundle.path, name), "utf8");
    try {
      const { exitCode } = await runToEnd(bundle);
      return { exitCode, signal: undefined, stdout: read("stdout"), stderr: read("stderr") };
    } catch (error) {
      // A refusal is an outcome; anything else is a mistake of ours.
      if (!(error instanceof OrlopError) || error.code === "internal") throw error;
      return { exitCode: 1, signal: undefined, stdout: "", stderr: error.message };
    }
  }

  return { name: "orlop", run, [Symbol.dispose]: () => runtime.close() };
}
