// table: the task service of shims (containerd, api/runtime/task/v2 and v3, which differ in the name only)
import { Codec, type Decoded, type Encodable } from "@orlop/core/protobuf";
import type { Api } from "@orlop/core/rpc";

const SCHEMA = {
  Any: { typeUrl: [1, "string"], value: [2, "bytes"] },
  Timestamp: { seconds: [1, "int64"], nanos: [2, "int32"] },
  Empty: {},
  Mount: { type: [1, "string"], source: [2, "string"], target: [3, "string"], options: [4, "string[]"] },
  ProcessInfo: { pid: [1, "uint32"], info: [2, "Any"] },
  CreateTaskRequest: {
    id: [1, "string"],
    bundle: [2, "string"],
    rootfs: [3, "Mount[]"],
    terminal: [4, "bool"],
    stdin: [5, "string"],
    stdout: [6, "string"],
    stderr: [7, "string"],
    checkpoint: [8, "string"],
    parentCheckpoint: [9, "string"],
    options: [10, "Any"],
  },
  CreateTaskResponse: { pid: [1, "uint32"] },
  /** A container, or with `execId` an exec in it. */
  ProcessRequest: { id: [1, "string"], execId: [2, "string"] },
  ContainerRequest: { id: [1, "string"] },
  DeleteResponse: { pid: [1, "uint32"], exitStatus: [2, "uint32"], exitedAt: [3, "Timestamp"] },
  ExecProcessRequest: {
    id: [1, "string"],
    execId: [2, "string"],
    terminal: [3, "bool"],
    stdin: [4, "string"],
    stdout: [5, "string"],
    stderr: [6, "string"],
    spec: [7, "Any"],
  },
  ResizePtyRequest: { id: [1, "string"], execId: [2, "string"], width: [3, "uint32"], height: [4, "uint32"] },
  StateResponse: {
    id: [1, "string"],
    bundle: [2, "string"],
    pid: [3, "uint32"],
    status: [4, "uint32"],
    stdin: [5, "string"],
    stdout: [6, "string"],
    stderr: [7, "string"],
    terminal: [8, "bool"],
    exitStatus: [9, "uint32"],
    exitedAt: [10, "Timestamp"],
    execId: [11, "string"],
  },
  KillRequest: { id: [1, "string"], execId: [2, "string"], signal: [3, "uint32"], all: [4, "bool"] },
  CloseIORequest: { id: [1, "string"], execId: [2, "string"], stdin: [3, "bool"] },
  PidsResponse: { processes: [1, "ProcessInfo[]"] },
  CheckpointTaskRequest: { id: [1, "string"], path: [2, "string"], options: [3, "Any"] },
  UpdateTaskRequest: { id: [1, "string"], resources: [2, "Any"], annotations: [3, "map"] },
  StartResponse: { pid: [1, "uint32"] },
  WaitResponse: { exitStatus: [1, "uint32"], exitedAt: [2, "Timestamp"] },
  StatsResponse: { stats: [1, "Any"] },
  ConnectResponse: { shimPid: [1, "uint32"], taskPid: [2, "uint32"], version: [3, "string"] },
  ShutdownRequest: { id: [1, "string"], now: [2, "bool"] },
} as const;

const METHODS = {
  State: ["ProcessRequest", "StateResponse"],
  Create: ["CreateTaskRequest", "CreateTaskResponse"],
  Start: ["ProcessRequest", "StartResponse"],
  Delete: ["ProcessRequest", "DeleteResponse"],
  Pids: ["ContainerRequest", "PidsResponse"],
  Pause: ["ContainerRequest", "Empty"],
  Resume: ["ContainerRequest", "Empty"],
  Checkpoint: ["CheckpointTaskRequest", "Empty"],
  Kill: ["KillRequest", "Empty"],
  Exec: ["ExecProcessRequest", "Empty"],
  ResizePty: ["ResizePtyRequest", "Empty"],
  CloseIO: ["CloseIORequest", "Empty"],
  Update: ["UpdateTaskRequest", "Empty"],
  Wait: ["ProcessRequest", "WaitResponse"],
  Stats: ["ContainerRequest", "StatsResponse"],
  Connect: ["ContainerRequest", "ConnectResponse"],
  Shutdown: ["ShutdownRequest", "Empty"],
} as const;

export type TaskApi = Api<typeof SCHEMA, typeof METHODS>;
export type TaskMethod = keyof typeof METHODS;
/** What a client gives to a method and what it gets. */
export type TaskRequest<Name extends TaskMethod> = Encodable<typeof SCHEMA, (typeof METHODS)[Name][0]>;
export type TaskResponse<Name extends TaskMethod> = Decoded<typeof SCHEMA, (typeof METHODS)[Name][1]>;
/** What the service gets, and what it answers. */
export type TaskReceived<Name extends TaskMethod> = Decoded<typeof SCHEMA, (typeof METHODS)[Name][0]>;
export type TaskAnswer<Name extends TaskMethod> = Encodable<typeof SCHEMA, (typeof METHODS)[Name][1]>;

const codec: Codec<typeof SCHEMA> = new Codec(SCHEMA);

/** The service of a shim that speaks this version of the protocol. */
export function taskApi(version: 2 | 3): TaskApi {
  return { service: `containerd.task.v${version}.Task`, codec, methods: METHODS };
}

/** containerd.v1.types.Status. */
export const TASK_STATUS = { unknown: 0, created: 1, running: 2, stopped: 3, paused: 4, pausing: 5 } as const;
