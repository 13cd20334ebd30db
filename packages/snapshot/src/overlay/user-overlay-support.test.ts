import assert from "node:assert/strict";
import { test } from "node:test";
import { userOverlayObstacle } from "./user-overlay-support.ts";

test("an ordinary user mounts overlay where the kernel is new enough, or Debian's says so", () => {
  assert.equal(userOverlayObstacle({ release: "5.11.0", permitted: "" }), undefined);
  assert.equal(userOverlayObstacle({ release: "6.1.0-44-amd64", permitted: "" }), undefined);
  assert.equal(userOverlayObstacle({ release: "5.10.0-33-amd64", permitted: "Y\n" }), undefined);
  assert.match(userOverlayObstacle({ release: "5.10.0-33-amd64", permitted: "N\n" }) ?? "", /needs Linux 5.11/);
  assert.match(userOverlayObstacle({ release: "5.10.200", permitted: "" }) ?? "", /and this is 5.10.200/);
});
