import { machineSystemd } from "../e2e/tested-systemd-fixture.ts";
import { unitsSuite } from "./units-suite-fixture.ts";

unitsSuite("units of containers, as root,", machineSystemd());
