export { OciRuntime, type OciRuntimeOptions } from "./oci/oci-runtime.ts";
