// table: where shims send their events (containerd, api/services/ttrpc/events/v1), and those that we look at
import { Codec } from "../../protobuf/codec.ts";
import type { Api } from "../../ttrpc/api.ts";

const SCHEMA = {
  Any: { typeUrl: [1, "string"], value: [2, "bytes"] },
  Timestamp: { seconds: [1, "int64"], nanos: [2, "int32"] },
  Empty: {},
  Envelope: { timestamp: [1, "Timestamp"], namespace: [2, "string"], topic: [3, "string"], event: [4, "Any"] },
  ForwardRequest: { envelope: [1, "Envelope"] },
} as const;

const METHODS = { Forward: ["ForwardRequest", "Empty"] } as const;

export const EVENTS_API: Api<typeof SCHEMA, typeof METHODS> = {
  service: "containerd.services.events.ttrpc.v1.Events",
  codec: new Codec(SCHEMA),
  methods: METHODS,
};

/** Topic of the event that says that the kernel has killed something for lack of memory. */
export const TOPIC_OOM = "/tasks/oom";
