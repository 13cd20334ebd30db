import { networkSuite } from "@orlop/testkit";
import { bridgeObstacle, makeBridgeDriver } from "./bridge-subject-fixture.ts";

networkSuite("bridge", makeBridgeDriver, { obstacle: bridgeObstacle });
