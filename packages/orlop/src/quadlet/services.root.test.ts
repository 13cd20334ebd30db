import { machineSystemd } from "../e2e/tested-systemd-fixture.ts";
import { servicesSuite } from "./services-suite-fixture.ts";

servicesSuite("services of unit files, as root,", machineSystemd());
