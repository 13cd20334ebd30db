import { snapshotterSuite } from "@orlop/testkit";
import { erofsObstacle } from "../erofs/erofs-support.ts";
import { fileSystemObstacle } from "../snapshotter-fixture.ts";
import { servedMakerOf } from "./proxy-fixture.ts";

snapshotterSuite("overlay behind a socket", servedMakerOf("overlay"), {
  mountObstacle: () => fileSystemObstacle("overlay"),
  parent: "/run",
});

for (const name of ["erofs", "erofs:tar-index"]) {
  snapshotterSuite(`${name} behind a socket`, servedMakerOf(name), {
    obstacle: () => fileSystemObstacle("erofs") ?? erofsObstacle(),
    parent: "/run",
  });
}
