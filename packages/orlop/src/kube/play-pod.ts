import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { type Container, type Pod, podDirectory } from "@orlop/engine";
import { createContainer } from "../containers/create-container.ts";
import type { OpenEngine } from "../containers/open-engine.ts";
import { parseFlags } from "../flags/parse-flags.ts";
import { createPod } from "../pods/create-pod.ts";
import { type PodWish, SHARED_BY_DEFAULT } from "../pods/pod-wish.ts";
import { readResourceLimits } from "../run/resource-limits.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { parseHostname, type RunOptions, readRunOptions } from "../run/run-options.ts";
import type { KubeContainer } from "./documents/kube-container.ts";
import type { KubePod } from "./documents/kube-pod.ts";
import { requestedMounts, writeVolumes } from "./kube-mounts.ts";

/** What the command line adds to a document. */
interface PlayOptions {
  readonly network: PodWish["network"];
  readonly annotations: Readonly<Record<string, string>>;
  /** Of `orlop create`, for each container. */
  readonly flags: readonly string[];
}

interface PlayedPod {
  readonly pod: Pod;
  readonly containers: readonly Container[];
}

/** Makes a pod with its containers; nothing of it runs yet. On a failure nothing of it is left. */
export async function playPod(open: OpenEngine, kube: KubePod, options: PlayOptions): Promise<PlayedPod> {
  const resources = readResourceLimits(parseFlags(RUN_FLAGS, kube.resourceFlags), open.machine);
  refuseUsers(kube, open.machine.rootless);
  const shared = SHARED_BY_DEFAULT.filter((each) => !(kube.hostIpc && each === "ipc"));
  const pod = await createPod(open, {
    name: kube.name,
    labels: kube.labels,
    share: [...shared, ...(kube.sharesProcesses ? (["pid"] as const) : [])],
    network: options.network,
    addedHosts: kube.hosts,
    dns: kube.dns,
    exitPolicy: "stop",
    sysctl: kube.sysctl,
    annotations: { ...kube.annotations, ...options.annotations },
    ...(kube.hostname === undefined ? {} : { hostname: parseHostname(kube.hostname) }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
  });
  try {
    const directory = join(
      podDirectory({ directory: open.depot.root, stateDirectory: open.stateDirectory }, pod.id),
      "volumes",
    );
    writeVolumes(directory, kube.volumes);
    const containers: Container[] = [];
    for (const container of kube.initContainers) {
      const flags = [...options.flags, "--init-ctr", "always"];
      containers.push(await createContainer(open, containerOptions(open, kube, container, { flags, directory, pod })));
    }
    for (const container of kube.containers) {
      const flags = [...options.flags, "--restart", kube.restart];
      containers.push(await createContainer(open, containerOptions(open, kube, container, { flags, directory, pod })));
    }
    return { pod, containers };
  } catch (error) {
    await open.engine.pods.remove(pod.id, { force: true });
    throw error;
  }
}

/** It is what it is: root's containers have this machine's users, and those of an ordinary user have not. */
function refuseUsers({ name, hostUsers }: KubePod, rootless: boolean): void {
  if (hostUsers === undefined || hostUsers !== rootless) return;
  const what = rootless
    ? "hostUsers is true, and an ordinary user's containers have a user namespace of their own"
    : "hostUsers is false, and root's containers have this machine's user namespace\nTry it as an ordinary user.";
  throw new OrlopError("unsupported", `Cannot play pod "${name}": ${what}`);
}

interface ContainerSetting {
  readonly flags: readonly string[];
  /** Of the pod's volumes. */
  readonly directory: string;
  readonly pod: Pod;
}

function containerOptions(
  { machine }: OpenEngine,
  kube: KubePod,
  container: KubeContainer,
  { flags, directory, pod }: ContainerSetting,
): RunOptions {
  const argv = [
    ...["--name", `${kube.name}-${container.name}`, "--pod", pod.id, "--stop-timeout", String(kube.stopTimeoutSeconds)],
    ...Object.entries(kube.labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
    ...flags,
    ...(kube.hostProcesses ? ["--pid", "host"] : []),
    ...(kube.hostIpc ? ["--ipc", "host"] : []),
    ...container.flags,
    ...["--", container.image, ...container.words],
  ];
  const options = readRunOptions(parseFlags(RUN_FLAGS, argv), machine);
  return {
    ...options,
    // As they are: a first word may be "--".
    command: container.words,
    variables: container.variables,
    ...(container.probes === undefined ? {} : { probes: container.probes }),
    mounts: requestedMounts(container, kube.volumes, directory),
  };
}
