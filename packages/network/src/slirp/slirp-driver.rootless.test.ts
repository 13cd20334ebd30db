import { userNetworkSuite } from "../configured/user-network-suite-fixture.ts";

userNetworkSuite("slirp4netns", "slirp4netns");
