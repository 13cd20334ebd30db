import { OrlopError, type State } from "@orlop/core";
import { containerId } from "../container-id.ts";
import { awaitReadiness } from "../notify/await-readiness.ts";
import type { Verb } from "../verb.ts";

/** runc's words for each state that is not `created`. */
const REFUSALS: Readonly<Record<Exclude<State["status"], "created">, string>> = {
  creating: "cannot start a container in the creating state",
  running: "cannot start an already running container",
  paused: "cannot start a container in the paused state",
  stopped: "cannot start a container that has stopped",
};

export const startVerb: Verb = {
  name: "start",
  usage: "CONTAINER",
  description: "Executes the program of a container that 'create' made, and ends as soon as it runs.",
  flags: [],
  words: [1, 1],
  async run(context) {
    const id = containerId(context.given);
    const all = await context.containers();
    const { status, pid = 0 } = await all.state(id);
    if (status !== "created") {
      throw new OrlopError("conflict", `Cannot start container "${id}": ${REFUSALS[status]}`);
    }
    const { done } = await awaitReadiness(context, { id, pid, mainPid: pid });
    await all.start(id);
    await done;
    return 0;
  },
};
