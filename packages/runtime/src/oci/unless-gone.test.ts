import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ErrorCode, OrlopError, type State } from "@orlop/core";
import { unlessGone } from "./unless-gone.ts";

/** Fails with that code, of a container whose states are these, one after the other; undefined: it is deleted. */
async function fails(code: ErrorCode, ...statuses: readonly (State["status"] | undefined)[]): Promise<OrlopError> {
  const left = [...statuses];
  const state = async (): Promise<Pick<State, "status">> => {
    const status = left.length > 1 ? left.shift() : left[0];
    if (status === undefined) throw new OrlopError("not-found", 'Cannot find container "a": it does not exist');
    return { status };
  };
  let error: unknown;
  await unlessGone({ state }, "a", "pause", async () => {
    throw new OrlopError(code, "Cannot write: ENODEV");
  }).catch((reason: unknown) => {
    error = reason;
  });
  assert(error instanceof OrlopError);
  return error;
}

suite("what is done to a container that is gone meanwhile", () => {
  const stopped = /^Cannot pause container "a": it has stopped meanwhile \(container not running\)$/;

  test("fails for that, also where the kernel takes a moment for it", async () => {
    assert.match((await fails("failed", "stopped")).message, stopped);
    assert.match((await fails("exhausted", "running", "running", "stopped")).message, stopped);
    assert.equal((await fails("not-found", "stopped")).code, "conflict");
    assert.match((await fails("failed", undefined)).message, /^Cannot find container/);
  });

  test("fails for its own reason where it is not, or where that has nothing to do with it", async () => {
    assert.equal((await fails("failed", "running")).message, "Cannot write: ENODEV");
    for (const code of ["invalid", "executable-not-found", "unsupported", "conflict"] as const) {
      assert.equal((await fails(code, "stopped")).code, code);
    }
  });
});
