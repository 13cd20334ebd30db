export { OciRuntime, type OciRuntimeOptions } from "./oci/oci-runtime.ts";
export { ShimRuntime, type ShimRuntimeOptions } from "./shim/shim-runtime.ts";
