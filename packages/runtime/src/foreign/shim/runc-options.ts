import { Codec } from "@orlop/core/protobuf";

/** containerd, api/types/runc/options/oci.proto. */
const OPTIONS = new Codec({ Options: { root: [7, "string"] } } as const);

/** Tells a shim with runc behind it where runc is to keep its state. */
export function runcOptions(root: string): { readonly typeUrl: string; readonly value: Uint8Array } {
  return { typeUrl: "containerd.runc.v1.Options", value: OPTIONS.encode("Options", { root }) };
}
