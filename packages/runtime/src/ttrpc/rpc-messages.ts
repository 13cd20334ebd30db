// table: what ttrpc puts into its frames (request.proto), with google.rpc.Status
import { Codec } from "@orlop/core/protobuf";

const SCHEMA = {
  Any: { typeUrl: [1, "string"], value: [2, "bytes"] },
  KeyValue: { key: [1, "string"], value: [2, "string"] },
  Request: {
    service: [1, "string"],
    method: [2, "string"],
    payload: [3, "bytes"],
    timeoutNano: [4, "int64"],
    metadata: [5, "KeyValue[]"],
  },
  Status: { code: [1, "int32"], message: [2, "string"], details: [3, "Any[]"] },
  Response: { status: [1, "Status"], payload: [2, "bytes"] },
} as const;

export const RPC: Codec<typeof SCHEMA> = new Codec(SCHEMA);
