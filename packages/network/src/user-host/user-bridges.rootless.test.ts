import { networkSuiteElsewhere } from "@orlop/testkit";
import { runInUserMachine, userMachineObstacle } from "../configured/in-user-machine-fixture.ts";

const CASE = new URL("./user-bridge-case-fixture.ts", import.meta.url).pathname;

networkSuiteElsewhere("an ordinary user's bridges", (title) => runInUserMachine(CASE, title), {
  obstacle: () => userMachineObstacle("slirp4netns", "slirp4netns"),
  exceptions: {
    "does the same by IPv6": "slirp4netns leads out by IPv4 alone",
    "publishes by IPv6": "slirp4netns takes ports of IPv4 alone",
  },
});
