import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError, parseName } from "@orlop/core";
import { POD_NAMESPACES, type PodNamespace } from "@orlop/engine";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { printText, printWarning } from "../print.ts";
import { parseByteSize } from "../run/byte-size.ts";
import { kernelLimits } from "../run/kernel-limits.ts";
import { readLabels } from "../run/label-flags.ts";
import { readNetworkOptions } from "../run/network-options.ts";
import { readCgroupSettings } from "../run/podman-options.ts";
import { readResourceLimits } from "../run/resource-limits.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { parseHostname, parseSysctl } from "../run/run-options.ts";
import { createPod } from "./create-pod.ts";
import { type PodWish, SHARED_BY_DEFAULT } from "./pod-wish.ts";

/** Flags of `run` that mean the same for a pod. */
const OF_RUN: ReadonlySet<string> = new Set([
  ...[
    "add-host",
    "dns",
    "dns-option",
    "dns-search",
    "ip",
    "ip6",
    "mac-address",
    "network",
    "network-alias",
    "publish",
    "egress",
  ],
  ...["blkio-weight", "blkio-weight-device", "device-read-bps", "device-write-bps"],
  ...["device-read-iops", "device-write-iops", "memory-reservation", "cgroup-conf"],
  ...["cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "memory", "memory-swap", "pids-limit"],
  ...["hostname", "label", "label-file", "shm-size", "sysctl"],
]);

const noInfra = "there is no container that only holds what the others share";
const ownContainers = "give it to the containers";

export const podCreateCommand: Command = containerCommand(
  {
    name: "create",
    startsProcesses: true,
    usage: "[OPTIONS] [NAME]",
    description:
      "Makes a pod, of which nothing runs yet, and prints its id. Containers join it with orlop run --pod; they share its " +
      "network with the published ports, its host name and its shared memory, as long as the pod runs, whichever of them does.",
    examples: [
      ["orlop pod create -p 8080:80 web", "orlop run -d --pod web ..."],
      ["orlop pod create --share ipc,net,pid,uts debug", "its containers see each other's processes"],
    ],
    table: {
      flags: [
        { name: "name", short: "n", value: "NAME", help: "Name of the pod, as the word behind the options" },
        { name: "share", value: "LIST", help: "What its containers share: ipc, net, pid, uts, or none (ipc,net,uts)" },
        {
          name: "exit-policy",
          value: "continue|stop",
          help: "When the last of its containers has ended: keep what they share, or stop the pod (continue)",
        },
        { name: "cgroup-parent", value: "PATH", help: "Cgroup below which that of the pod is" },
        { name: "pod-id-file", value: "FILE", help: "Write the pod's id to a file" },
        { name: "replace", help: "Remove the pod of this name first, with its containers" },
        ...RUN_FLAGS.flags.filter(({ name }) => OF_RUN.has(name)),
      ],
      refused: [
        { name: "infra", isSwitch: true, reason: noInfra },
        { name: "infra-command", reason: noInfra },
        { name: "infra-conmon-pidfile", reason: noInfra },
        { name: "infra-image", reason: noInfra },
        { name: "infra-name", reason: noInfra },
        { name: "device", reason: ownContainers },
        { name: "volume", short: "v", reason: ownContainers },
        { name: "volumes-from", reason: ownContainers },
        { name: "security-opt", reason: ownContainers },
        { name: "pid", reason: "use --share pid" },
        { name: "uts", reason: "use --share" },
        { name: "userns", reason: "an ordinary user's pods have a user namespace, root's have none" },
        { name: "uidmap", reason: "user namespaces cannot be chosen" },
        { name: "gidmap", reason: "user namespaces cannot be chosen" },
        { name: "subuidname", reason: "user namespaces cannot be chosen" },
        { name: "subgidname", reason: "user namespaces cannot be chosen" },
        { name: "no-hosts", isSwitch: true, reason: "its containers find each other by /etc/hosts" },
        { name: "share-parent", isSwitch: true, reason: "the cgroups of its containers are always in the pod's" },
      ],
      flagsAnywhere: true,
    },
  },
  create,
);

async function create(call: ContainerCall): Promise<number> {
  const { engine, flags } = call;
  const wish = readWish(call);
  if (flags.isOn("replace") && wish.name !== undefined && engine.pods.exists(wish.name)) {
    await engine.pods.remove(wish.name, { force: true });
  }
  const { id } = await createPod(call, wish);
  const file = flags.text("pod-id-file");
  if (file !== undefined) writeFileSync(resolve(call.machine.cwd, file), id);
  printText(`${id}\n`);
  return 0;
}

function readWish({ flags: own, machine }: ContainerCall): PodWish {
  const flags = own.asFor(RUN_FLAGS.flags);
  const names = [...own.list("name"), ...own.positional];
  if (names.length > 1) throw new OrlopError("invalid", `one name is taken, and there are ${names.length}`);
  const [name] = names;
  const { network, addedHosts, dns } = readNetworkOptions(flags);
  if (network.kind === "container" || network.kind === "pod") {
    throw new OrlopError("unsupported", 'Cannot use flag "--network": the network of a pod cannot be a container\'s');
  }
  const asked = { ...readResourceLimits(flags, machine), ...readCgroupSettings(flags) };
  const { limits: resources, warnings } = kernelLimits(asked);
  for (const warning of warnings) printWarning(warning);
  const hostname = flags.parse("hostname", parseHostname);
  const shmSizeBytes = flags.parse("shm-size", parseByteSize);
  const cgroupParent = own.text("cgroup-parent");
  return {
    name: name === undefined ? undefined : parseName(name),
    labels: readLabels(flags),
    share: own.parse("share", parseShare) ?? SHARED_BY_DEFAULT,
    network,
    addedHosts,
    dns,
    exitPolicy: own.parse("exit-policy", parseExitPolicy) ?? "continue",
    sysctl: Object.fromEntries(flags.parseAll("sysctl", parseSysctl)),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(shmSizeBytes === undefined ? {} : { shmSizeBytes }),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
  };
}

function parseShare(text: string): readonly PodNamespace[] {
  if (text === "none" || text === "") return [];
  const names = new Set(text.split(","));
  const strange = [...names].find((name) => !POD_NAMESPACES.some((known) => known === name));
  if (strange === undefined) return POD_NAMESPACES.filter((name) => names.has(name));
  throw new OrlopError(
    "unsupported",
    `${JSON.stringify(strange)} cannot be shared: there are ${POD_NAMESPACES.join(", ")}`,
  );
}

function parseExitPolicy(text: string): "continue" | "stop" {
  if (text === "continue" || text === "stop") return text;
  throw new OrlopError("invalid", "it is continue or stop");
}
