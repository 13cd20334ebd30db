import assert from "node:assert/strict";
import { test } from "node:test";
import { hostUid } from "./host-uid.ts";

test("the host's number of a user follows the mappings, if there are any", () => {
  const spec = { ociVersion: "1.0.2", root: { path: "/" } };
  assert.equal(hostUid(spec, 7), 7);
  const uidMappings = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 10 },
  ];
  const mapped = { ...spec, linux: { uidMappings } };
  assert.deepEqual(
    [0, 1, 10, 11].map((uid) => hostUid(mapped, uid)),
    [1000, 100_000, 100_009, undefined],
  );
});
