import { findProgram } from "@orlop/kernel";
import { networkSuiteElsewhere } from "@orlop/testkit";
import { runInUserMachine, userMachineObstacle } from "../configured/in-user-machine-fixture.ts";

const CASE = new URL("./user-bridge-case-fixture.ts", import.meta.url).pathname;

const withoutPasta = {
  "does the same by IPv6": "slirp4netns leads out by IPv4 alone, and there is no pasta",
  "publishes by IPv6": "slirp4netns takes ports of IPv4 alone, and there is no pasta",
} as const;

networkSuiteElsewhere("an ordinary user's bridges", (title) => runInUserMachine(CASE, title), {
  obstacle: () => userMachineObstacle("slirp4netns", "slirp4netns"),
  exceptions: findProgram("pasta") === undefined ? withoutPasta : {},
});

networkSuiteElsewhere(
  "an ordinary user's bridges with pasta alone",
  (title) => runInUserMachine(CASE, title, "pasta"),
  {
    obstacle: () => userMachineObstacle("pasta", "passt"),
  },
);
