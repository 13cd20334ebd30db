// table: gRPC's status codes, which ttrpc has, and ours
import type { ErrorCode } from "../errors.ts";

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

type RpcFailure = Exclude<keyof typeof RPC_CODE, "ok">;

/** `failed` for what says nothing: unknown, internal, unavailable. */
const ERROR_CODES: Readonly<Record<RpcFailure, ErrorCode>> = {
  cancelled: "cancelled",
  unknown: "failed",
  invalidArgument: "invalid",
  deadlineExceeded: "cancelled",
  notFound: "not-found",
  alreadyExists: "exists",
  permissionDenied: "denied",
  resourceExhausted: "exhausted",
  failedPrecondition: "conflict",
  aborted: "conflict",
  outOfRange: "invalid",
  unimplemented: "unsupported",
  internal: "failed",
  unavailable: "failed",
  dataLoss: "failed",
  unauthenticated: "denied",
};

const NAMES: ReadonlyMap<number, RpcFailure> = new Map(
  Object.keys(ERROR_CODES).map((name) => [RPC_CODE[name as RpcFailure], name as RpcFailure]),
);

export function rpcCodeOf(code: ErrorCode): number {
  return RPC_CODES[code];
}

/** `failed` for a number that there is not, too. */
export function errorCodeOf(rpcCode: number): ErrorCode {
  return ERROR_CODES[NAMES.get(rpcCode) ?? "unknown"];
}
