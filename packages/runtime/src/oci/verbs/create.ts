import { CREATE_FLAGS, createRequest } from "../create-request.ts";
import { writeCrunStatus } from "../crun-status.ts";
import type { Verb } from "../verb.ts";

export const createVerb: Verb = {
  name: "create",
  usage: "CONTAINER",
  description: `Makes a container of a bundle, up to the point where its program would be executed; 'start' does
that. CONTAINER is the name it is to have: letters, digits and _ + - .

A terminal (process.terminal) needs --console-socket. The new process is the caller's orphan: a
subreaper above gets it, and its exit status.`,
  // Callers of crun say it here, too, where nothing takes in orphans in any case.
  flags: [
    ...CREATE_FLAGS,
    { name: "no-subreaper", kind: "switch", help: "Do not take in orphans, which it never does", hidden: true },
  ],
  words: [1, 1],
  async run(context) {
    const request = createRequest(context, true);
    const { pid } = await (await context.containers()).create(request);
    writeCrunStatus(context, request, pid);
    return 0;
  },
};
