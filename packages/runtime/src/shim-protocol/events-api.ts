// table: the events of tasks (containerd, api/events/task.proto), and the service that shims send them to
// (api/services/ttrpc/events/v1)
import { Codec, type Encodable } from "@orlop/core/protobuf";
import type { Api } from "@orlop/core/rpc";

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

const TASK_EVENTS = {
  Timestamp: { seconds: [1, "int64"], nanos: [2, "int32"] },
  Mount: { type: [1, "string"], source: [2, "string"], target: [3, "string"], options: [4, "string[]"] },
  TaskIO: { stdin: [1, "string"], stdout: [2, "string"], stderr: [3, "string"], terminal: [4, "bool"] },
  TaskCreate: {
    containerId: [1, "string"],
    bundle: [2, "string"],
    rootfs: [3, "Mount[]"],
    io: [4, "TaskIO"],
    checkpoint: [5, "string"],
    pid: [6, "uint32"],
  },
  TaskStart: { containerId: [1, "string"], pid: [2, "uint32"] },
  TaskDelete: {
    containerId: [1, "string"],
    pid: [2, "uint32"],
    exitStatus: [3, "uint32"],
    exitedAt: [4, "Timestamp"],
    /** Of an exec. */
    id: [5, "string"],
  },
  TaskExit: {
    containerId: [1, "string"],
    /** The container's own, or an exec's. */
    id: [2, "string"],
    pid: [3, "uint32"],
    exitStatus: [4, "uint32"],
    exitedAt: [5, "Timestamp"],
  },
  TaskOOM: { containerId: [1, "string"] },
  TaskExecAdded: { containerId: [1, "string"], execId: [2, "string"] },
  TaskExecStarted: { containerId: [1, "string"], execId: [2, "string"], pid: [3, "uint32"] },
  TaskPaused: { containerId: [1, "string"] },
  TaskResumed: { containerId: [1, "string"] },
  TaskCheckpointed: { containerId: [1, "string"], checkpoint: [2, "string"] },
} as const;

const TOPICS = {
  TaskCreate: "/tasks/create",
  TaskStart: "/tasks/start",
  TaskDelete: "/tasks/delete",
  TaskExit: "/tasks/exit",
  TaskOOM: "/tasks/oom",
  TaskExecAdded: "/tasks/exec-added",
  TaskExecStarted: "/tasks/exec-started",
  TaskPaused: "/tasks/paused",
  TaskResumed: "/tasks/resumed",
  TaskCheckpointed: "/tasks/checkpointed",
} as const;

/** Topic of the event that says that the kernel has killed something for lack of memory. */
export const TOPIC_OOM: string = TOPICS.TaskOOM;

export type TaskEventName = keyof typeof TOPICS;
export type TaskEvent<Name extends TaskEventName> = Encodable<typeof TASK_EVENTS, Name>;

const eventsCodec: Codec<typeof TASK_EVENTS> = new Codec(TASK_EVENTS);

/** An event as it is sent: when, to whom, about what. */
export type Envelope = Encodable<typeof SCHEMA, "Envelope">;

export function taskEvent<Name extends TaskEventName>(
  name: Name,
  event: TaskEvent<Name>,
  { namespace, atMs }: { readonly namespace: string; readonly atMs: number },
): Envelope {
  const encode = eventsCodec.encode.bind(eventsCodec) as (name: Name, event: TaskEvent<Name>) => Uint8Array;
  return {
    timestamp: timestamp(atMs),
    namespace,
    topic: TOPICS[name],
    event: { typeUrl: `containerd.events.${name}`, value: encode(name, event) },
  };
}

/** google.protobuf.Timestamp of a Unix time in milliseconds. */
export function timestamp(atMs: number): { readonly seconds: bigint; readonly nanos: number } {
  const seconds = Math.floor(atMs / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((atMs - seconds * 1000) * 1e6) };
}
