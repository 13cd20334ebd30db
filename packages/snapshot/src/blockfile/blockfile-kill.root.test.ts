import { killSuite } from "../store/kill-suite-fixture.ts";
import { blockfileObstacle } from "./blockfile-fixture.ts";

killSuite("blockfile", { obstacle: blockfileObstacle() });
