import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type CreateRequest, defaultSpec, OrlopError } from "@orlop/core";
import { LOOKS_MAX, runOnCurrentRoot } from "./run-on-current-root.ts";

function request(id: string): CreateRequest {
  return { id, bundle: "/", spec: defaultSpec(), stdio: { stdin: "null", stdout: "null", stderr: "null" } };
}

function refusal(operation: string, errno: string): OrlopError {
  return new OrlopError("invalid", `Cannot ${operation}: ${errno}`, { operation, errno });
}

/** What has been tried when each attempt fails with the next of the errors, and how it ended. */
async function attempts(
  errors: readonly Error[],
  looksAgain = true,
): Promise<readonly [tried: readonly string[], end: unknown]> {
  const tried: string[] = [];
  let looks = 1;
  const requests = {
    request: request("look 1"),
    ...(looksAgain ? { requestAgain: () => request(`look ${++looks}`) } : {}),
  };
  const end = runOnCurrentRoot(requests, async ({ id }) => {
    tried.push(id);
    const error = errors[tried.length - 1];
    if (error !== undefined) throw error;
    return "runs";
  });
  return [tried, await end.catch((error: unknown) => error)];
}

const mounted = refusal('overlay "/home"', "EINVAL");
const vanished = refusal('bind "/file" read-only to "/file"', "ENOENT");

suite("a root that changes while a container is made on it", () => {
  test("is looked at again until it can be taken", async () => {
    assert.deepEqual(await attempts([mounted, vanished]), [["look 1", "look 2", "look 3"], "runs"]);
  });

  test("is given up with the last error after so many looks", async () => {
    const errors = [...Array<Error>(LOOKS_MAX - 1).fill(mounted), vanished, mounted];
    const [tried, end] = await attempts(errors);
    assert.equal(tried.length, LOOKS_MAX);
    assert.equal(end, vanished);
  });

  test("is looked at once where nobody changes it, and where something else is the matter", async () => {
    assert.deepEqual(await attempts([mounted], false), [["look 1"], mounted]);
    for (const error of [
      refusal('overlay "/home"', "ENOSPC"),
      refusal('execute "sh"', "ENOENT"),
      new TypeError("a mistake"),
    ]) {
      assert.deepEqual(await attempts([error]), [["look 1"], error]);
    }
  });
});
