import { userNetworkSuite } from "../configured/user-network-suite-fixture.ts";

userNetworkSuite("pasta", "passt");
