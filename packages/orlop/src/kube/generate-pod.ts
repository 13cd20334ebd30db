import { OrlopError, type PublishedPort } from "@orlop/core";
import type { Container, PodNamespace, PodWithMembers } from "@orlop/engine";
import type { InspectedContainer } from "../inspect/container-document.ts";
import { type GeneratedContainer, generateContainer, restartPolicyOf } from "./generate-container.ts";
import { NETWORK_ANNOTATION, sourceOf } from "./kube-source.ts";

/** Documents, and what they cannot say. */
export interface GeneratedDocuments {
  readonly documents: readonly unknown[];
  readonly lost: readonly string[];
}

type Inspect = (container: Container) => InspectedContainer;

const SHARED: readonly PodNamespace[] = ["ipc", "net", "uts"];

/** @throws OrlopError `unsupported` for a pod that no document can be about */
export function generatePod({ pod, members }: PodWithMembers, inspect: Inspect): GeneratedDocuments {
  const source = sourceOf(pod);
  const refuse = (what: string): OrlopError =>
    new OrlopError("unsupported", `Cannot write pod "${pod.name}" as a document: ${what}`);
  if (source !== undefined) {
    const names = new Set(members.map(({ name }) => name));
    if (source.containers.length === names.size && source.containers.every((name) => names.has(name))) {
      return { documents: source.documents, lost: [] };
    }
    throw refuse("its containers are not those of the document that it was made of");
  }
  const own = pod.network.kind === "host" ? SHARED.filter((name) => name !== "net") : SHARED;
  const host = hostNamespaces(members);
  const missing = own.find((name) => !pod.share.includes(name) && !(name === "ipc" && host.hostIPC === true));
  if (missing !== undefined) throw refuse(`its containers do not share ${missing}`);
  const parts = members.map((member) => ({
    member,
    made: generateContainer(inspect(member), containerName(member.name, pod.name)),
  }));
  const { hostname, hosts, servers, search, options } = pod.names;
  const dns = dnsConfig({ servers, search, options });
  const sysctls = Object.entries(pod.sysctl).map(([name, value]) => ({ name, value }));
  return podDocument(pod.name, parts, {
    labels: pod.labels,
    network: pod.network,
    spec: {
      ...(hostname === pod.name || pod.network.kind === "host" ? {} : { hostname }),
      ...(hosts.length === 0
        ? {}
        : { hostAliases: hosts.map(({ address, names }) => ({ ip: address, hostnames: names })) }),
      ...(dns === undefined ? {} : { dnsConfig: dns }),
      ...(pod.share.includes("pid") ? { shareProcessNamespace: true } : {}),
      ...host,
      ...(sysctls.length === 0 ? {} : { securityContext: { sysctls } }),
    },
    lost: [
      ...(pod.resources === undefined ? [] : ["limits of the pod"]),
      ...(pod.exitPolicy === "stop" ? [] : ["--exit-policy continue"]),
      ...lostNamespaces(members),
    ],
  });
}

/** A container alone is a pod of one. */
export function generateLonePod(container: Container, inspect: Inspect): GeneratedDocuments {
  const { name, labels, network } = container;
  const made = generateContainer(inspect(container), containerName(name, ""));
  const isShared = network.kind === "container" || network.kind === "pod";
  return podDocument(`${name}-pod`, [{ member: container, made }], {
    labels,
    network: isShared ? { kind: "none" } : network,
    spec: hostNamespaces([container]),
    lost: [...(isShared ? ["--network"] : []), ...lostNamespaces([container])],
  });
}

/** Of all containers together; none of what they have not all. */
function hostNamespaces(members: readonly Container[]): { readonly hostPID?: true; readonly hostIPC?: true } {
  const all = (type: "pid" | "ipc"): boolean =>
    members.length > 0 && members.every(({ namespaces }) => namespaces?.[type] === "host");
  return { ...(all("pid") ? { hostPID: true } : {}), ...(all("ipc") ? { hostIPC: true } : {}) };
}

function lostNamespaces(members: readonly Container[]): readonly string[] {
  const host = hostNamespaces(members);
  const isLost = (type: "pid" | "ipc", isHost: boolean): boolean =>
    !isHost && members.some(({ namespaces }) => namespaces?.[type] !== undefined && namespaces[type] !== "shareable");
  return [
    ...(isLost("pid", host.hostPID === true) ? ["--pid"] : []),
    ...(isLost("ipc", host.hostIPC === true) ? ["--ipc"] : []),
  ];
}

interface Part {
  readonly member: Container;
  readonly made: GeneratedContainer;
}

interface PodSettings {
  readonly labels: Readonly<Record<string, string>>;
  readonly network: Container["network"];
  readonly spec: Readonly<Record<string, unknown>>;
  readonly lost: readonly string[];
}

function podDocument(name: string, parts: readonly Part[], settings: PodSettings): GeneratedDocuments {
  const { labels, network } = settings;
  const main = parts.filter(({ member }) => member.pod?.init !== true);
  const first = parts.filter(({ member }) => member.pod?.init === true);
  const restartPolicy = restartPolicyOf(main.map(({ member }) => member));
  const containers = main.map(({ made }) => made.container);
  const ports = network.kind === "networks" ? network.ports.flatMap(portDocument) : [];
  const volumes = new Map(parts.flatMap(({ made }) => [...made.volumes]));
  const annotations = networkAnnotation(network);
  const grace = Math.max(0, ...main.map(({ member }) => Math.ceil(member.stopTimeoutMs / 1000)));
  const spec = {
    ...settings.spec,
    ...(network.kind === "host" ? { hostNetwork: true } : {}),
    restartPolicy: restartPolicy ?? "Never",
    terminationGracePeriodSeconds: grace,
    ...(first.length === 0 ? {} : { initContainers: first.map(({ made }) => made.container) }),
    // They belong to the pod; a document has them with a container.
    containers: containers.map((each, index) => (index === 0 && ports.length > 0 ? { ...each, ports } : each)),
    ...(volumes.size === 0 ? {} : { volumes: [...volumes.values()] }),
  };
  const metadata = {
    name,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const lost = [
    ...settings.lost.map((what) => `pod "${name}": ${what}`),
    ...(restartPolicy === undefined ? [`pod "${name}": the restart policies of its containers, which differ`] : []),
    ...parts.flatMap(({ member, made }) => made.lost.map((what) => `container "${member.name}": ${what}`)),
  ];
  return { documents: [{ apiVersion: "v1", kind: "Pod", metadata, spec }], lost };
}

/** Networks are not Kubernetes' to say. */
function networkAnnotation(network: Container["network"]): Readonly<Record<string, string>> | undefined {
  if (network.kind === "none") return { [NETWORK_ANNOTATION]: "none" };
  if (network.kind !== "networks") return undefined;
  const names = network.attachments.map((attachment) => attachment.network);
  const isUsual = names.length === 1 && (names[0] === "bridge" || names[0] === "pasta");
  return isUsual ? undefined : { [NETWORK_ANNOTATION]: names.join(",") };
}

function portDocument({
  protocol,
  hostAddress,
  hostPort = 0,
  containerPort,
  count = 1,
}: PublishedPort): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({
    containerPort: containerPort + index,
    ...(hostPort === 0 ? {} : { hostPort: hostPort + index }),
    ...(hostPort === 0 || hostAddress === undefined ? {} : { hostIP: hostAddress }),
    ...(protocol === "tcp" ? {} : { protocol: protocol.toUpperCase() }),
  }));
}

function dnsConfig({
  servers,
  search,
  options,
}: {
  readonly servers: readonly string[] | undefined;
  readonly search: readonly string[] | undefined;
  readonly options: readonly string[] | undefined;
}): object | undefined {
  if (servers === undefined && search === undefined && options === undefined) return undefined;
  return {
    ...(servers === undefined ? {} : { nameservers: servers }),
    ...(search === undefined ? {} : { searches: search }),
    ...(options === undefined
      ? {}
      : {
          options: options.map((option) => {
            const [name = "", ...value] = option.split(":");
            return value.length === 0 ? { name } : { name, value: value.join(":") };
          }),
        }),
  };
}

const NAME_MAX = 63;

/** Without its pod's name, and with what such a name may have. */
function containerName(name: string, pod: string): string {
  const own = pod !== "" && name.startsWith(`${pod}-`) ? name.slice(pod.length + 1) : name;
  const plain = own.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
  return plain.slice(0, NAME_MAX).replace(/^-+|-+$/g, "") || "container";
}
