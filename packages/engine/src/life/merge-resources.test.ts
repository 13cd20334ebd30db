import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeResources } from "./merge-resources.ts";

test("limits that are not named stay, device by device", () => {
  const known = {
    memory: { limit: 1, swappiness: 3 },
    blockIO: {
      weight: 200,
      throttleReadBpsDevice: [
        { major: 8, minor: 0, rate: 1 },
        { major: 8, minor: 16, rate: 2 },
      ],
    },
  };
  const changes = { memory: { swappiness: 7 }, blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }] } };
  assert.deepEqual(mergeResources(known, changes), {
    memory: { limit: 1, swappiness: 7 },
    blockIO: {
      weight: 200,
      throttleReadBpsDevice: [
        { major: 8, minor: 16, rate: 2 },
        { major: 8, minor: 0, rate: 9 },
      ],
    },
  });
});
