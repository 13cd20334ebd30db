import { findProgram } from "@orlop/kernel";
import { runtimeSuite } from "@orlop/testkit";
import { OciRuntime } from "./oci-runtime.ts";

function obstacle(binary: string): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return findProgram(binary) === undefined ? `${binary} is not installed` : undefined;
}

/** What the runtimes themselves do otherwise. */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runc: { "gives an exec the umask that it asks for": "runc gives an exec the umask of the container" },
  crun: {},
};

for (const [binary, exceptions] of Object.entries(EXCEPTIONS)) {
  runtimeSuite(
    `the adapter to ${binary}`,
    (stateDirectory) => {
      const runtime = new OciRuntime({ binary, root: stateDirectory });
      return { runtime, [Symbol.asyncDispose]: async () => runtime.close() };
    },
    { obstacle: () => obstacle(binary), exceptions },
  );
}
