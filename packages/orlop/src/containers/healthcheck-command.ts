import type { Command } from "../command.ts";
import { printText } from "../print.ts";
import { containerCommand, oneContainer } from "./container-verb.ts";

export const healthcheckRunCommand: Command = containerCommand(
  {
    name: "run",
    startsProcesses: true,
    usage: "CONTAINER",
    description:
      "Finds out once, now, whether a container does what it is there for: executes the check of --health-cmd, or of its " +
      "image, in it. The exit code is 0 when it does, and 1 when it does not. What comes of it counts as all other probes do.",
    examples: [["orlop healthcheck run web && echo well", "without waiting for the next probe"]],
    table: { flags: [], flagsAnywhere: true },
  },
  async ({ engine, flags }) => {
    const { exitCode } = await engine.checkHealth(oneContainer(flags));
    if (exitCode !== 0) printText("unhealthy\n");
    return exitCode === 0 ? 0 : 1;
  },
);
