import { OrlopError } from "@orlop/core";
import { containerId } from "../container-id.ts";
import { goesByCrun } from "../goes-by-crun.ts";
import { stateDocument } from "../state-document.ts";
import type { Verb } from "../verb.ts";

export const stateVerb: Verb = {
  name: "state",
  usage: "CONTAINER",
  description: "Shows a container's state as JSON: status, pid, bundle, root, creation time, annotations.",
  flags: [],
  words: [1, 1],
  async run({ call, given, containers }) {
    const id = containerId(given);
    const state = await (await containers()).state(id);
    // crun's callers ask until there is an answer, and start the container then.
    if (state.status === "creating" && goesByCrun(call)) {
      throw new OrlopError("not-found", `Cannot find container "${id}": it is being created`);
    }
    call.print(`${JSON.stringify(stateDocument(state, ""), undefined, 2)}\n`);
    return 0;
  },
};
