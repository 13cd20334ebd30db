// table: gRPC's status codes, which ttrpc has, and ours
import type { ErrorCode } from "@orlop/core";

/** google/rpc/code.proto. */
export const RPC_CODE = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

const RPC_CODES: Readonly<Record<ErrorCode, number>> = {
  invalid: RPC_CODE.invalidArgument,
  "not-found": RPC_CODE.notFound,
  exists: RPC_CODE.alreadyExists,
  conflict: RPC_CODE.failedPrecondition,
  denied: RPC_CODE.permissionDenied,
  unsupported: RPC_CODE.unimplemented,
  exhausted: RPC_CODE.resourceExhausted,
  cancelled: RPC_CODE.cancelled,
  // containerd's clients look at the words of these two, not at a code.
  "executable-not-found": RPC_CODE.unknown,
  "executable-refused": RPC_CODE.unknown,
  failed: RPC_CODE.unknown,
  internal: RPC_CODE.internal,
};

const ERROR_CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [RPC_CODE.cancelled, "cancelled"],
  [RPC_CODE.invalidArgument, "invalid"],
  [RPC_CODE.deadlineExceeded, "cancelled"],
  [RPC_CODE.notFound, "not-found"],
  [RPC_CODE.alreadyExists, "exists"],
  [RPC_CODE.permissionDenied, "denied"],
  [RPC_CODE.resourceExhausted, "exhausted"],
  [RPC_CODE.failedPrecondition, "conflict"],
  [RPC_CODE.aborted, "conflict"],
  [RPC_CODE.outOfRange, "invalid"],
  [RPC_CODE.unimplemented, "unsupported"],
  [RPC_CODE.unauthenticated, "denied"],
]);

export function rpcCodeOf(code: ErrorCode): number {
  return RPC_CODES[code];
}

/** `failed` for what says nothing: unknown, internal, unavailable. */
export function errorCodeOf(rpcCode: number): ErrorCode {
  return ERROR_CODES.get(rpcCode) ?? "failed";
}
