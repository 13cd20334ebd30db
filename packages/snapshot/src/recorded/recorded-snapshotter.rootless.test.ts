import { snapshotterSuite } from "@orlop/testkit";
import { recordedMakerOf } from "./recorded-fixture.ts";

snapshotterSuite("overlay of an ordinary user behind a socket, with rows before it", recordedMakerOf("overlay"), {
  mountObstacle: () => "mount(8) is for root",
});
