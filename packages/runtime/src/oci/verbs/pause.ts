import { OrlopError } from "@orlop/core";
import { containerId } from "../container-id.ts";
import type { Verb } from "../verb.ts";

export const pauseVerb: Verb = {
  name: "pause",
  usage: "CONTAINER",
  description: "Freezes all processes of a container: none gets the CPU again before 'resume'.",
  flags: [],
  words: [1, 1],
  async run({ given, containers }) {
    const id = containerId(given);
    const all = await containers();
    const { status } = await all.state(id);
    if (status !== "running" && status !== "created") refuse("pause", id, status, "container not running");
    await all.pause(id);
    return 0;
  },
};

export const resumeVerb: Verb = {
  name: "resume",
  usage: "CONTAINER",
  description: "Lets the processes of a paused container go on.",
  flags: [],
  words: [1, 1],
  async run({ given, containers }) {
    const id = containerId(given);
    const all = await containers();
    const { status } = await all.state(id);
    if (status !== "paused") refuse("resume", id, status, "container not paused");
    await all.resume(id);
    return 0;
  },
};

function refuse(verb: string, id: string, status: string, words: string): never {
  throw new OrlopError("conflict", `Cannot ${verb} container "${id}": it is ${status} (${words})`);
}
