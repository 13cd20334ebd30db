import { Codec } from "@orlop/core/protobuf";
import { featuresDocument } from "../oci/features-document.ts";
import { runtimeVersion } from "../oci/version-text.ts";

/** containerd, api/types/introspection.proto. */
const INFO = new Codec({
  Any: { typeUrl: [1, "string"], value: [2, "bytes"] },
  RuntimeVersion: { version: [1, "string"], revision: [2, "string"] },
  RuntimeInfo: {
    name: [1, "string"],
    version: [2, "RuntimeVersion"],
    options: [3, "Any"],
    features: [4, "Any"],
    annotations: [5, "map"],
  },
} as const);

/** As containerd has registered it: the runtime-spec's features.md, as JSON. */
const TYPE_FEATURES = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

/** The answer to `-info`. */
export function runtimeInfo(): Uint8Array {
  return INFO.encode("RuntimeInfo", {
    name: "io.containerd.orlop.v1",
    version: { version: runtimeVersion() },
    features: { typeUrl: TYPE_FEATURES, value: Buffer.from(JSON.stringify(featuresDocument())) },
  });
}
