import { findProgram } from "@orlop/kernel";
import { runtimeSuite } from "@orlop/testkit";
import { ShimRuntime } from "./shim-runtime.ts";

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["containerd-shim-runc-v2", "runc"].find((program) => findProgram(program) === undefined);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

runtimeSuite(
  "the adapter to containerd's shim for runc",
  (stateDirectory) => {
    const runtime = new ShimRuntime({ shim: "io.containerd.runc.v2", root: stateDirectory });
    return { runtime, [Symbol.asyncDispose]: async () => runtime.close() };
  },
  {
    obstacle,
    exceptions: { "gives an exec the umask that it asks for": "runc gives an exec the umask of the container" },
  },
);
