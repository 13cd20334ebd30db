import { join } from "node:path";
import { type Architecture, encodeProgram, type Program } from "@orlop/kernel";
import { compileCreate, ProcessRuntime } from "@orlop/runtime";
import { temporaryDirectory } from "@orlop/testkit";
import { benchSpec } from "../bench-bundles.ts";
import type { BenchRow } from "../bench-row.ts";

/** The 4 kB. */
const MACHINE_MAX_BYTES = 4096;

/** The machines of both architectures. A command has no use for the other one, so @orlop/kernel does not offer it. */
async function machineRows(): Promise<readonly BenchRow[]> {
  const source = new URL("../../../packages/kernel/src/machine/machine.ts", import.meta.url);
  const { emitMachine } = (await import(source.href)) as { emitMachine(architecture: Architecture): Uint8Array };
  return (["x86_64", "aarch64"] as const).map((architecture) => ({
    name: `machine-${architecture}`,
    what: `the machine for ${architecture}, an ELF executable`,
    unit: "bytes",
    ours: emitMachine(architecture).length,
    goal: { of: "ours", max: MACHINE_MAX_BYTES },
  }));
}

function typicalProgram(directory: string): Program {
  const spec = benchSpec(join(directory, "rootfs"), ["true"]);
  const runtime = new ProcessRuntime({ root: join(directory, "state") });
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return compileCreate(runtime.plan({ id: "size", bundle: directory, spec, stdio }, false));
}

/** What is sent, and what executes it. */
export async function sizeRows(): Promise<readonly BenchRow[]> {
  using directory = temporaryDirectory("orlop-bench-size-");
  const program = typicalProgram(directory.path);
  const what = "the program of a container with the default config and seccomp profile";
  return [
    ...(await machineRows()),
    { name: "program-instructions", what, unit: "instructions", ours: program.instructions.length },
    { name: "program-bytes", what, unit: "bytes", ours: encodeProgram(program, { loadAddress: 0 }).length },
  ];
}
