export type { CreatePlan, HostView } from "./process/compilation.ts";
export { compileCreate } from "./process/compile-create.ts";
export { ProcessRuntime, type ProcessRuntimeOptions } from "./process/process-runtime.ts";
