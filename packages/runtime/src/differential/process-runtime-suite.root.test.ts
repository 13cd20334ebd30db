import { runtimeSuite } from "@orlop/testkit";
import { ProcessRuntime } from "../process/process-runtime.ts";

runtimeSuite(
  "the process runtime",
  (stateDirectory) => {
    const runtime = new ProcessRuntime({ root: stateDirectory });
    return { runtime, [Symbol.asyncDispose]: async () => runtime.close() };
  },
  { obstacle: () => (process.getuid?.() === 0 ? undefined : "needs root") },
);
