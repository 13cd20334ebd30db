import { OrlopError } from "@orlop/core";
import { containerId } from "../container-id.ts";
import type { OciContainers } from "../oci-containers.ts";
import type { Verb } from "../verb.ts";

export const deleteVerb: Verb = {
  name: "delete",
  usage: "CONTAINER",
  description: `Removes a container that has stopped, or that was never started, with everything that was made
for it. With --force it may also be running, or not be there at all.`,
  flags: [{ name: "force", short: "f", kind: "switch", help: "Kill it first if it runs" }],
  words: [1, 1],
  async run({ given, containers }) {
    const id = containerId(given);
    const all = await containers();
    if (!given.isOn("force")) {
      await all.delete(id, { force: await mayBeKilled(all, id) });
      return 0;
    }
    try {
      await all.delete(id, { force: true });
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
    }
    return 0;
  },
};

/** A container that waits for its start is killed without being asked to: nothing of the user's runs in it yet. */
async function mayBeKilled(all: OciContainers, id: string): Promise<boolean> {
  const { status } = await all.state(id);
  if (status === "created") return true;
  if (status === "stopped") return false;
  throw new OrlopError(
    "conflict",
    `cannot delete container ${id} that is not stopped: ${status}\nTry killing it first, or --force.`,
  );
}
