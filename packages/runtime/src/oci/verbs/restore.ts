import { CRIU_FLAGS, decodeCriuFlags } from "../checkpoint-flags.ts";
import { CREATE_FLAGS, createRequest } from "../create-request.ts";
import { writeCrunStatus } from "../crun-status.ts";
import { goesByCrun } from "../goes-by-crun.ts";
import type { Verb } from "../verb.ts";

export const restoreVerb: Verb = {
  name: "restore",
  usage: "CONTAINER",
  description: `Makes a container of a bundle and puts the processes into it that 'checkpoint' saved. Waits for
its end, passes signals on to it, removes the container and ends with its exit status; with
--detach it ends as soon as the container runs, and the container stays.`,
  flags: [
    ...CRIU_FLAGS,
    ...CREATE_FLAGS,
    { name: "detach", short: "d", kind: "switch", help: "Do not wait for the end" },
    { name: "no-subreaper", kind: "switch", help: "Do not take in orphans of the container" },
    { name: "tcp-close", kind: "switch", help: "Restore TCP connections as closed ones" },
    { name: "lsm-profile", kind: "text", value: "TYPE:NAME", help: "AppArmor profile or SELinux label" },
    { name: "lsm-mount-context", kind: "text", value: "CONTEXT", help: "SELinux label of mounts" },
  ],
  words: [1, 1],
  async run(context) {
    const { call, given, containers } = context;
    const detach = given.isOn("detach");
    const lsmProfile = given.filledText("lsm-profile");
    const lsmMountContext = given.filledText("lsm-mount-context");
    const request = {
      ...createRequest(context, detach),
      ...decodeCriuFlags(call, given),
      ...(lsmProfile === undefined ? {} : { lsmProfile }),
      ...(lsmMountContext === undefined ? {} : { lsmMountContext }),
      tcpClose: given.isOn("tcp-close"),
      env: call.env,
      detach,
      keep: false,
      subreaper: !given.isOn("no-subreaper"),
    };
    const all = await containers();
    await all.restore(request);
    if (detach && goesByCrun(call)) writeCrunStatus(context, request, (await all.state(request.id)).pid);
    return 0;
  },
};
