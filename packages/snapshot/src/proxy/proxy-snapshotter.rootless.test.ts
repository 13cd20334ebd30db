import { snapshotterSuite } from "@orlop/testkit";
import { servedMakerOf } from "./proxy-fixture.ts";

snapshotterSuite("overlay of an ordinary user behind a socket", servedMakerOf("overlay"), {
  mountObstacle: () => "mount(8) is for root",
});
