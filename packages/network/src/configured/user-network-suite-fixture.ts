import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { runInUserMachine, userMachineObstacle } from "./in-user-machine-fixture.ts";

const MACHINE = new URL("./user-machine-fixture.ts", import.meta.url).pathname;

const TITLES = {
  traffic: "leads out, and in by published ports with the addresses of the world, and not to the host's loopback",
  refusals: "refuses what it does not have and ports that are taken, and leaves nothing",
  sharing: "is the same for all processes, and ends with its container at the next clean-up",
  crashes: "makes anew what has died, and ends what nobody knows of",
  ports: "has more ports and fewer while a container is there, where the program can do it",
} as const;

/** Registers what every driver for ordinary users promises. */
export function userNetworkSuite(driver: "pasta" | "slirp4netns", debianPackage: string): void {
  suite(driver, () => {
    for (const [name, title] of Object.entries(TITLES)) {
      test(title, async (t) => {
        const reason = userMachineObstacle(driver, debianPackage);
        if (reason !== undefined) return t.skip(reason);
        await withTemporaryDirectory((directory) => runInUserMachine(MACHINE, directory, driver, name));
      });
    }
  });
}
