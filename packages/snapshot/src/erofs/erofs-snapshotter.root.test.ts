import { snapshotterSuite } from "@orlop/testkit";
import { fileSystemObstacle, makerOf } from "../snapshotter-fixture.ts";
import { erofsObstacle } from "./erofs-support.ts";

for (const name of ["erofs", "erofs:tar-index"]) {
  snapshotterSuite(name, makerOf(name), {
    mountObstacle: () => fileSystemObstacle("erofs") ?? erofsObstacle(),
    parent: "/run",
  });
}
