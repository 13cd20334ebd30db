import { snapshotterSuite } from "@orlop/testkit";
import { makerOf } from "../snapshotter-fixture.ts";

snapshotterSuite("native of an ordinary user", makerOf("native"), {
  mountObstacle: () => "mount(8) is for root",
  copies: true,
});
