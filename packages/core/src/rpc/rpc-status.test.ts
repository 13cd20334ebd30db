import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodeOf, RPC_CODE, rpcCodeOf } from "./rpc-status.ts";

test("codes of errors come back from gRPC's as they were, where gRPC tells them apart", () => {
  const codes = [
    "invalid",
    "not-found",
    "exists",
    "conflict",
    "denied",
    "unsupported",
    "exhausted",
    "cancelled",
  ] as const;
  for (const code of [...codes, "failed"] as const) assert.equal(errorCodeOf(rpcCodeOf(code)), code);
});

test("every code of gRPC, and every number that is none, means something", () => {
  assert.equal(errorCodeOf(RPC_CODE.unavailable), "failed");
  assert.equal(errorCodeOf(RPC_CODE.deadlineExceeded), "cancelled");
  for (const number of [-1, 0, 17, Number.NaN]) assert.equal(errorCodeOf(number), "failed");
});
