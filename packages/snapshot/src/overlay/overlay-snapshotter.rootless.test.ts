import { snapshotterSuite } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";

snapshotterSuite("overlay of an ordinary user", makerOf("overlay"), {
  mountObstacle: () => "mount(8) is for root",
});
