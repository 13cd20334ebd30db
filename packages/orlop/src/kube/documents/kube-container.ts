import { isIP } from "node:net";
import type { PublishedPort } from "@orlop/core";
import type { ContainerProbes } from "@orlop/engine";
import type { PullPolicy } from "../../image/image.ts";
import type { Variable } from "../../run/environment.ts";
import { expandVariables } from "./expand-variables.ts";
import { type EnvironmentSources, readEnvironment } from "./kube-environment.ts";
import {
  APP_ARMOR,
  CAPABILITIES,
  CONTAINER,
  type KubeFields,
  PORT,
  SECCOMP,
  SECURITY,
  VOLUME_MOUNT,
} from "./kube-fields.ts";
import type { KubeNode, KubeObject } from "./kube-node.ts";
import { readProbes } from "./kube-probe.ts";
import { readResourceFlags } from "./kube-resources.ts";

/** A container of a pod, as flags of `orlop create` and what no flag can say. */
export interface KubeContainer {
  readonly name: string;
  readonly image: string;
  readonly flags: readonly string[];
  /** Program first; or arguments for the image's, where no flag says a program. */
  readonly words: readonly string[];
  readonly variables: readonly Variable[];
  readonly mounts: readonly KubeMount[];
  readonly ports: readonly PublishedPort[];
  readonly probes?: ContainerProbes;
}

interface KubeMount {
  readonly volume: string;
  readonly destination: string;
  readonly readonly: boolean;
  readonly propagation: "rprivate" | "rslave" | "rshared";
  /** For errors. */
  readonly path: string;
}

const PULL: Readonly<Record<string, PullPolicy>> = { Always: "always", IfNotPresent: "missing", Never: "never" };
const ID_MAX = 2 ** 31 - 1;

/** @param pod what the pod's securityContext says for all */
export function readContainer(node: KubeNode, pod: KubeObject, sources: EnvironmentSources): KubeContainer {
  const object = node.object(CONTAINER);
  const name = object.needed("name").text();
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    throw object.at("name").invalid("a name has small letters, digits and hyphens alone");
  }
  const variables = readEnvironment(object, sources);
  const known = new Map(variables.map((variable) => [variable.name, variable.value ?? ""]));
  const words = (field: string): readonly string[] =>
    object
      .at(field)
      .list()
      .map((each) => expandVariables(each.text(), known));
  const [program, ...first] = words("command");
  const workdir = object.maybe("workingDir", (each) => each.text());
  const probes = readProbes(object);
  const pull = object.maybe("imagePullPolicy", (each) => each.word("Always", "IfNotPresent", "Never"));
  return {
    name,
    image: object.needed("image").text(),
    flags: [
      ...(program === undefined ? [] : ["--entrypoint", program]),
      ...(workdir === undefined || workdir === "" ? [] : ["--workdir", workdir]),
      ...(pull === undefined ? [] : ["--pull", PULL[pull] ?? "missing"]),
      ...(object.maybe("stdin", (each) => each.flag()) === true ? ["--interactive"] : []),
      ...(object.maybe("tty", (each) => each.flag()) === true ? ["--tty"] : []),
      ...readResourceFlags(object.at("resources")),
      ...readSecurityFlags(object.at("securityContext").object(SECURITY), pod),
    ],
    words: [...first, ...words("args")],
    variables,
    mounts: object.at("volumeMounts").list().map(readMount),
    ports: object.at("ports").list().flatMap(readPort),
    ...(probes === undefined ? {} : { probes }),
  };
}

function readMount(node: KubeNode): KubeMount {
  const object = node.object(VOLUME_MOUNT);
  const propagation = object.maybe("mountPropagation", (each) => each.word("None", "HostToContainer", "Bidirectional"));
  return {
    volume: object.needed("name").text(),
    destination: object.needed("mountPath").text(),
    readonly: object.maybe("readOnly", (each) => each.flag()) ?? false,
    propagation:
      propagation === "Bidirectional" ? "rshared" : propagation === "HostToContainer" ? "rslave" : "rprivate",
    path: object.path,
  };
}

const PORT_MAX = 65_535;

function readPort(node: KubeNode): readonly PublishedPort[] {
  const object = node.object(PORT);
  object.maybe("name", (each) => each.text());
  const containerPort = object.needed("containerPort").integer(1, PORT_MAX);
  const protocol = (object.maybe("protocol", (each) => each.word("TCP", "UDP", "SCTP")) ?? "TCP").toLowerCase();
  const hostAddress = object.maybe("hostIP", (each) => each.text());
  if (hostAddress !== undefined && isIP(hostAddress) === 0) throw object.at("hostIP").invalid("it is no IP address");
  const hostPort = object.maybe("hostPort", (each) => each.integer(1, PORT_MAX));
  if (hostPort === undefined) {
    if (hostAddress !== undefined) throw object.at("hostIP").invalid("it says nothing without hostPort");
    return [];
  }
  const port = { protocol: protocol as "tcp" | "udp" | "sctp", hostPort, containerPort };
  return [hostAddress === undefined ? port : { ...port, hostAddress }];
}

/** What a container says goes before what its pod says. */
function readSecurityFlags(own: KubeObject, pod: KubeObject): readonly string[] {
  const id = (name: string): number | undefined =>
    [own, pod].map((each) => each.maybe(name, (node) => node.integer(0, ID_MAX))).find((each) => each !== undefined);
  const [user, group] = [id("runAsUser"), id("runAsGroup")];
  const nonRoot = [own, pod].find((each) => each.has("runAsNonRoot"))?.at("runAsNonRoot");
  if (nonRoot?.flag() === true && (user ?? 0) === 0) {
    throw nonRoot.invalid("there is no runAsUser other than 0, and what an image says is not looked at");
  }
  if (group !== undefined && user === undefined) throw own.at("runAsGroup").invalid("it needs runAsUser");
  const switched = (name: string): boolean | undefined => own.maybe(name, (each) => each.flag());
  const capabilities = own.at("capabilities").object(CAPABILITIES);
  const procMount = own.maybe("procMount", (each) => each.word("Default", "Unmasked"));
  const groups = pod.at("supplementalGroups").list();
  return [
    ...(user === undefined ? [] : ["--user", group === undefined ? `${user}` : `${user}:${group}`]),
    ...groups.flatMap((each) => ["--group-add", String(each.integer(0, ID_MAX))]),
    ...(switched("privileged") === true ? ["--privileged"] : []),
    ...(switched("readOnlyRootFilesystem") === true ? ["--read-only"] : []),
    ...(switched("allowPrivilegeEscalation") === false ? ["--security-opt", "no-new-privileges"] : []),
    ...capabilities
      .at("add")
      .list()
      .flatMap((each) => ["--cap-add", each.text()]),
    ...capabilities
      .at("drop")
      .list()
      .flatMap((each) => ["--cap-drop", each.text()]),
    ...(procMount === "Unmasked" ? ["--security-opt", "systempaths=unconfined"] : []),
    ...readSeccomp(own.has("seccompProfile") ? own : pod),
    ...readAppArmor(own.has("appArmorProfile") ? own : pod),
  ];
}

/** Where a kubelet has its filters, unless it is told otherwise. */
const SECCOMP_ROOT = "/var/lib/kubelet/seccomp";

function readSeccomp(object: KubeObject): readonly string[] {
  const { type, profile } = readProfile(object, "seccompProfile", SECCOMP) ?? {};
  if (type === "Unconfined") return ["--security-opt", "seccomp=unconfined"];
  if (profile === undefined) return [];
  const isInside = !profile.value.startsWith("/") && !profile.value.split("/").includes("..");
  if (isInside) return ["--security-opt", `seccomp=${SECCOMP_ROOT}/${profile.value}`];
  throw profile.node.invalid(`it is a path below ${SECCOMP_ROOT}`);
}

function readAppArmor(object: KubeObject): readonly string[] {
  const { type, profile } = readProfile(object, "appArmorProfile", APP_ARMOR) ?? {};
  if (type === "Unconfined") return ["--security-opt", "apparmor=unconfined"];
  return profile === undefined ? [] : ["--security-opt", `apparmor=${profile.value}`];
}

interface ReadProfile {
  readonly type: "RuntimeDefault" | "Unconfined" | "Localhost";
  /** Of `Localhost` alone. */
  readonly profile: { readonly value: string; readonly node: KubeNode } | undefined;
}

/** Undefined where nothing is said. */
function readProfile(object: KubeObject, name: string, fields: KubeFields): ReadProfile | undefined {
  if (!object.has(name)) return undefined;
  const read = object.at(name).object(fields);
  const type = read.needed("type").word("RuntimeDefault", "Unconfined", "Localhost");
  if (type === "Localhost") {
    const node = read.needed("localhostProfile");
    return { type, profile: { value: node.text(), node } };
  }
  if (read.has("localhostProfile")) throw read.at("localhostProfile").invalid("it is for Localhost alone");
  return { type, profile: undefined };
}
