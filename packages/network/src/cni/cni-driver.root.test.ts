import { networkSuite } from "@orlop/testkit";
import { cniObstacle, makeCniDriver } from "./cni-subject-fixture.ts";

networkSuite("cni", makeCniDriver, {
  obstacle: cniObstacle,
  exceptions: {
    "removes what ended namespaces have left, and gives their addresses to others":
      "host-local gives the address that follows the last one, not the lowest that is free",
  },
});
