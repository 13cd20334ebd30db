import { CREATE_FLAGS, createRequest } from "../create-request.ts";
import { writeCrunStatus } from "../crun-status.ts";
import { goesByCrun } from "../goes-by-crun.ts";
import { awaitReadiness, serviceManager } from "../notify/await-readiness.ts";
import type { OciContainers, OciCreate, OciRun } from "../oci-containers.ts";
import type { Verb, VerbContext } from "../verb.ts";

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
    if (isDetached) await createAndStart(context, containers, request);
    else await containers.run(foreground(context, request));
    return 0;
  },
};

function foreground(context: VerbContext, request: OciCreate): OciRun {
  const { call, given } = context;
  const run = { ...request, keep: given.isOn("keep"), subreaper: !given.isOn("no-subreaper") };
  if (serviceManager(call) === undefined) return run;
  return {
    ...run,
    announce: async (pid) => {
      await request.announce?.(pid);
      // The process that was called goes on as what the service manager watches; crun does not say it.
      const watched = goesByCrun(call) ? {} : { mainPid: call.pid };
      await awaitReadiness(context, { id: request.id, pid, ...watched });
    },
  };
}

/** A container that cannot be started is gone afterwards. */
async function createAndStart(context: VerbContext, containers: OciContainers, request: OciCreate): Promise<void> {
  const { id } = request;
  const { pid = 0 } = await containers.create(request);
  const { done } = await awaitReadiness(context, { id, pid, mainPid: pid });
  await containers.start(id);
  writeCrunStatus(context, request, pid);
  await done;
}
