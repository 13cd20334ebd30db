import { loggedContainersSuite } from "./logged-containers-suite-fixture.ts";

loggedContainersSuite(false);
