import { snapshotterSuite } from "@orlop/testkit";
import { recordedMakerOf } from "./recorded-fixture.ts";

snapshotterSuite("overlay of an ordinary user behind a socket, with rows before it", recordedMakerOf("overlay"), {
  mountObstacle: () => "mount(8) is for root",
  exceptions: {
    "takes absolute paths as its own, and removes directories that nobody may enter":
      "the server of an ordinary user cannot look into what its client has written and nobody may enter",
  },
});
