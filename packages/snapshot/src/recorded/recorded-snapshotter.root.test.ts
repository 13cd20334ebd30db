import { snapshotterSuite } from "@orlop/testkit";
import { erofsObstacle } from "../erofs/erofs-support.ts";
import { fileSystemObstacle } from "../snapshotter-fixture.ts";
import { recordedMakerOf } from "./recorded-fixture.ts";

snapshotterSuite("overlay behind a socket, with rows before it", recordedMakerOf("overlay"), {
  mountObstacle: () => fileSystemObstacle("overlay"),
  parent: "/run",
});

snapshotterSuite("erofs behind a socket, with rows before it", recordedMakerOf("erofs"), {
  obstacle: () => fileSystemObstacle("erofs") ?? erofsObstacle(),
  parent: "/run",
});
