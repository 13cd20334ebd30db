import { OrlopError } from "@orlop/core";
import { containerId } from "../container-id.ts";
import { matchingIds, regexFlag } from "../matching-ids.ts";
import { signalNumber } from "../signal-number.ts";
import type { Verb } from "../verb.ts";

export const killVerb: Verb = {
  name: "kill",
  usage: "CONTAINER [SIGNAL]",
  description: `Sends a signal to the container's first process: a number or a name such as KILL, SIGTERM,
RTMIN+3. Without SIGNAL it is SIGTERM.

With --regex, CONTAINER is a regular expression: it is sent to all whose ids match, and that have
not stopped.`,
  flags: [
    { name: "all", short: "a", kind: "switch", help: "To every process; no failure if the container has stopped" },
    regexFlag("To all containers whose ids match"),
  ],
  words: [1, 2],
  async run({ given, containers }) {
    const isByPattern = given.isOn("regex");
    const ids = isByPattern ? undefined : [containerId(given)];
    const signal = signalNumber(given.positional[1] ?? "SIGTERM");
    const all = given.isOn("all");
    for (const id of ids ?? (await matchingIds(given, containers))) {
      try {
        await (await containers()).signal(id, signal, { all });
      } catch (error) {
        // Nobody is left, which is what was asked for.
        if (!(all || isByPattern) || !(error instanceof OrlopError) || error.code !== "conflict") throw error;
      }
    }
    return 0;
  },
};
