import { CREATE_FLAGS, createRequest } from "../create-request.ts";
import type { OciContainers, OciCreate } from "../oci-containers.ts";
import type { Verb } from "../verb.ts";

export const runVerb: Verb = {
  name: "run",
  usage: "CONTAINER",
  description: `Makes a container of a bundle and executes its program. Waits for its end, passes signals on to
it, removes the container and ends with the program's exit status. With --detach it ends as soon
as the program runs, and the container stays.`,
  flags: [
    ...CREATE_FLAGS,
    { name: "detach", short: "d", kind: "switch", help: "Do not wait for the end" },
    { name: "keep", kind: "switch", help: "Do not remove the container at its end" },
    { name: "no-subreaper", kind: "switch", help: "Do not take in orphans of the container" },
  ],
  words: [1, 1],
  async run(context) {
    const { given } = context;
    const isDetached = given.isOn("detach");
    const request = createRequest(context, isDetached);
    const containers = await context.containers();
    if (isDetached) await createAndStart(containers, request);
    else await containers.run({ ...request, keep: given.isOn("keep"), subreaper: !given.isOn("no-subreaper") });
    return 0;
  },
};

/** A container that cannot be started is gone afterwards. */
async function createAndStart(containers: OciContainers, request: OciCreate): Promise<void> {
  await containers.create(request);
  await containers.start(request.id);
}
