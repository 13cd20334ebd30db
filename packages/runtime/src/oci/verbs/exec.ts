import { OrlopError } from "@orlop/core";
import { readConfigProcess } from "../bundle.ts";
import { containerId } from "../container-id.ts";
import { EXEC_PROCESS_FLAGS, execProcess } from "../exec-process.ts";
import { goesByCrun } from "../goes-by-crun.ts";
import { keptDescriptors } from "../kept-descriptors.ts";
import type { OciExec, OciState } from "../oci-containers.ts";
import { decodeProcessFlags, PROCESS_FLAGS } from "../process-flags.ts";
import { subCgroups } from "../sub-cgroups.ts";
import type { Verb, VerbContext } from "../verb.ts";

export const execVerb: Verb = {
  name: "exec",
  usage: "CONTAINER PROGRAM [ARGUMENT...]  or  -p FILE CONTAINER",
  description: `Starts a further process in a container: what the config says of the container's own process,
changed by the flags. Waits for its end, passes signals on to it and ends with its exit status.
What orlop-oci itself fails at has the exit status 255. With --detach it ends as soon as the
program runs.`,
  flags: [
    ...EXEC_PROCESS_FLAGS,
    { name: "detach", short: "d", kind: "switch", help: "Do not wait for the end" },
    ...PROCESS_FLAGS,
    { name: "cgroup", kind: "list", value: "[CONTROLLER:]PATH", help: "Sub-cgroup of the container to put it in" },
    { name: "ignore-paused", kind: "switch", help: "Also in a paused container, where it waits for the resume" },
  ],
  words: [1, Number.POSITIVE_INFINITY],
  stopAtPositional: true,
  async run(context) {
    const id = containerId(context.given);
    const containers = await context.containers();
    const request = execRequest(context, await containers.state(id));
    if (context.given.isOn("detach")) await containers.exec(request);
    else await containers.execForeground(request);
    return 0;
  },
};

function execRequest(context: VerbContext, state: OciState): OciExec {
  const { call, given } = context;
  const ignorePaused = given.isOn("ignore-paused");
  checkState(state, ignorePaused);
  // A process that was changed since would not be the container's any more, but it is what runc takes, too.
  const own = () => readConfigProcess(state.bundle, state.configPath, goesByCrun(call) ? () => {} : undefined);
  const process = execProcess(call, given, own);
  const cgroup = subCgroups(given.list("cgroup"));
  const options = decodeProcessFlags(call, given, {
    process,
    annotations: state.annotations,
    isDetached: given.isOn("detach"),
  });
  return {
    ...options,
    preserveFds: keptDescriptors(context, options.preserveFds),
    id: state.id,
    process,
    ignorePaused,
    ...(cgroup === undefined ? {} : { cgroup }),
  };
}

/** In runc's words. */
function checkState({ id, status }: OciState, ignorePaused: boolean): void {
  const problem =
    status === "stopped"
      ? "cannot exec in a stopped container"
      : status === "creating"
        ? "cannot exec in a container that is being created"
        : status === "paused" && !ignorePaused
          ? "cannot exec in a paused container (use --ignore-paused to override)"
          : undefined;
  if (problem !== undefined) throw new OrlopError("conflict", `Cannot exec in container "${id}": ${problem}`);
}
