export type { CreatePlan } from "./process/compilation.ts";
export { compileCreate } from "./process/compile-create.ts";
export { KeptWork } from "./process/keep-programs.ts";
export { ProcessRuntime, type ProcessRuntimeOptions, type ZygoteLike } from "./process/process-runtime.ts";
export type { HostView } from "./process/supervision.ts";
