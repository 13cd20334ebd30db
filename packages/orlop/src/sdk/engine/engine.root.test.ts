import { busyboxObstacle } from "@orlop/testkit";
import { engineSuite } from "./engine-suite-fixture.ts";

const obstacle = process.getuid?.() === 0 ? busyboxObstacle() : "needs root";
engineSuite({ skip: obstacle ?? false, stateDirectory: "/run/orlop" });
