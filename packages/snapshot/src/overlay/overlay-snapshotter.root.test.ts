import { snapshotterSuite } from "@orlop/testkit";
import { fileSystemObstacle, makerOf } from "../snapshotter-fixture.ts";

snapshotterSuite("overlay", makerOf("overlay"), { mountObstacle: () => fileSystemObstacle("overlay"), parent: "/run" });
