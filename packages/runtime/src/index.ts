export type { CreatePlan } from "./process/compilation.ts";
export { compileCreate } from "./process/compile-create.ts";
export { compileHolder, endHolder } from "./process/holder-program.ts";
export { KeptWork } from "./process/keep-programs.ts";
export type { ZygoteLike } from "./process/own-zygote.ts";
export { ProcessRuntime } from "./process/process-runtime.ts";
export type { ProcessRuntimeOptions } from "./process/process-runtime-options.ts";
export type { HostView } from "./process/supervision.ts";
