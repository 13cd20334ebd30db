import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodePids, decodeState } from "./oci-answers.ts";

describe("the answers of an OCI runtime", () => {
  test("give status and pid, a stopped container none", () => {
    // runc 1.1.5, shortened.
    const running = '{"ociVersion": "1.0.2-dev", "id": "a", "pid": 4711, "status": "running", "bundle": "/b"}';
    assert.deepEqual(decodeState("a", running), { status: "running", pid: 4711 });
    assert.deepEqual(decodeState("a", '{"status": "stopped", "pid": 0}'), { status: "stopped" });
    assert.deepEqual(decodeState("a", '{"status": "paused", "pid": 1}'), { status: "paused", pid: 1 });
  });

  test("list process ids, or nothing", () => {
    assert.deepEqual(decodePids("a", "[1,22,333]"), [1, 22, 333]);
    assert.deepEqual(decodePids("a", "null"), []);
  });

  test("are refused where they are none", () => {
    const damaged = { code: "failed", message: /^Cannot understand runtime about container "a": it answered / };
    for (const text of ["", "nothing", '{"status": "sleeping"}', "[]", '"running"']) {
      assert.throws(() => decodeState("a", text), damaged);
    }
    for (const text of ["", "{}", '[1, "2"]', "[1.5]"]) assert.throws(() => decodePids("a", text), damaged);
  });
});
