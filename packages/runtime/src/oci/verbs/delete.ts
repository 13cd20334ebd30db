import { OrlopError } from "@orlop/core";
import { containerId } from "../container-id.ts";
import { matchingIds, regexFlag } from "../matching-ids.ts";
import type { OciContainers } from "../oci-containers.ts";
import type { Verb } from "../verb.ts";

export const deleteVerb: Verb = {
  name: "delete",
  usage: "CONTAINER",
  description: `Removes a container that has stopped, or that was never started, with everything that was made
for it. With --force it may also be running, or not be there at all.

With --regex, CONTAINER is a regular expression, and every container goes in whose id it matches.`,
  flags: [
    { name: "force", short: "f", kind: "switch", help: "Kill it first if it runs" },
    regexFlag("Delete all containers whose ids match"),
  ],
  words: [1, 1],
  async run({ given, containers }) {
    const isForced = given.isOn("force");
    if (!given.isOn("regex")) {
      const id = containerId(given);
      await deleteOne(await containers(), id, isForced);
      return 0;
    }
    for (const id of await matchingIds(given, containers)) await deleteOne(await containers(), id, isForced);
    return 0;
  },
};

async function deleteOne(all: OciContainers, id: string, isForced: boolean): Promise<void> {
  if (!isForced) {
    await all.delete(id, { force: await mayBeKilled(all, id) });
    return;
  }
  try {
    await all.delete(id, { force: true });
  } catch (error) {
    if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
  }
}

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
