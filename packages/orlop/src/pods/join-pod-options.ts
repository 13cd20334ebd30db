import { OrlopError } from "@orlop/core";
import type { Pod } from "@orlop/engine";
import { podFiles } from "@orlop/engine";
import type { OpenEngine } from "../containers/open-engine.ts";
import type { RunOptions } from "../run/run-options.ts";
import { createPod } from "./create-pod.ts";
import { SHARED_BY_DEFAULT } from "./pod-wish.ts";

const NEW = "new:";

/** A container's place in a pod. */
export interface PodPlace {
  readonly id: string;
  /** Where the files lie that the pod's containers share; absent: they share no network. */
  readonly files: string | undefined;
  /** Absent: the container's own. */
  readonly hostname: string | undefined;
  /** It only prepares for the others. */
  readonly init?: true;
}

/** The pod that `--pod` names, made where it is to be a new one: that has the ports and networks of the container then. */
export async function openPod(open: OpenEngine, options: RunOptions): Promise<Pod | undefined> {
  const { pod, network } = options;
  if (pod === undefined) return undefined;
  if (!pod.startsWith(NEW)) return (await open.engine.pods.find(pod)).pod;
  if (network.kind === "container" || network.kind === "pod") {
    throw new OrlopError("invalid", `Cannot make pod "${pod.slice(NEW.length)}": its network cannot be a container's`);
  }
  return await createPod(open, {
    name: pod.slice(NEW.length),
    labels: {},
    share: SHARED_BY_DEFAULT,
    network,
    addedHosts: options.addedHosts,
    dns: options.dns,
    exitPolicy: "stop",
    sysctl: {},
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
  });
}

/**
 * What a container asks for, as it is in a pod.
 *
 * @throws OrlopError `invalid` for what the pod alone decides
 */
export function inPod(open: OpenEngine, options: RunOptions, pod: Pod): RunOptions {
  const isOwn = options.pod?.startsWith(NEW) === true;
  const { id, share, names, network } = pod;
  const refuse = (what: string): never => {
    throw new OrlopError("invalid", `Cannot create container in pod "${pod.name}": ${what} is the pod's to decide`);
  };
  const sharesNetwork = share.includes("net");
  const isHost = network.kind === "host";
  if (sharesNetwork || isHost) {
    const asks = options.network.kind === "networks" ? "what it publishes, or is connected with," : "the network";
    if (!isOwn && (options.network.kind !== "none" || options.namesNetwork === true)) refuse(asks);
  }
  if (sharesNetwork && !isOwn) {
    if (options.addedHosts.length > 0) refuse("what stands in /etc/hosts");
    if (Object.keys(options.dns).length > 0) refuse("what stands in /etc/resolv.conf");
  }
  const { pid, ipc, uts } = options.namespaces ?? {};
  if (options.wishes?.cgroupParent !== undefined) refuse("its place among cgroups");
  if (share.includes("pid") && pid !== undefined) refuse("whose processes it sees");
  if (share.includes("ipc") && ipc !== undefined) refuse("whose IPC it has");
  if (share.includes("uts") && uts !== undefined) refuse("the host name");
  if (share.includes("uts") && !isOwn && options.hostname !== undefined) refuse("the host name");
  const place = {
    id,
    files: sharesNetwork
      ? podFiles({ directory: open.depot.root, stateDirectory: open.stateDirectory }, id)
      : undefined,
    hostname: share.includes("uts") ? names.hostname : undefined,
    ...(options.initContainer === true ? { init: true as const } : {}),
  };
  return {
    ...options,
    place,
    hostname: place.hostname ?? options.hostname,
    network: sharesNetwork ? { kind: "pod", pod: id } : isHost ? { kind: "host" } : options.network,
  };
}
