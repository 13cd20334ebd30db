import { snapshotterSuite } from "@orlop/testkit";
import { fileSystemObstacle, makerOf } from "../snapshotter-fixture.ts";
import { erofsObstacle } from "./erofs-support.ts";

snapshotterSuite("erofs", makerOf("erofs"), {
  mountObstacle: () => fileSystemObstacle("erofs") ?? erofsObstacle(),
  parent: "/run",
});
