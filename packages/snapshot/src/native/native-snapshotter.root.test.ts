import { snapshotterSuite } from "@orlop/testkit";
import { makerOf, rootObstacle } from "../snapshotter-fixture.ts";

snapshotterSuite("native", makerOf("native"), {
  mountObstacle: rootObstacle,
  parent: "/run",
  copies: true,
});
