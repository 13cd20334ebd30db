import { isIP } from "node:net";
import { type HostsEntry, type Labels, type PublishedPort, parseName } from "@orlop/core";
import type { NetworkOptions } from "../../run/network-options.ts";
import { type KubeContainer, readContainer } from "./kube-container.ts";
import type { KubeData } from "./kube-data.ts";
import { DNS_CONFIG, DNS_OPTION, HOST_ALIAS, METADATA, POD, POD_SECURITY, POD_SPEC, SYSCTL } from "./kube-fields.ts";
import type { KubeNode, KubeObject } from "./kube-node.ts";
import { refuseProbes } from "./kube-probe.ts";
import { readResourceFlags } from "./kube-resources.ts";
import { type KubeVolume, readVolume } from "./kube-volume.ts";

/** A pod of a document, read and checked. */
export interface KubePod {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  readonly hostname: string | undefined;
  readonly hosts: readonly HostsEntry[];
  readonly dns: NetworkOptions["dns"];
  readonly sharesProcesses: boolean;
  readonly hostProcesses: boolean;
  readonly hostIpc: boolean;
  /** Whether it is to have this machine's users; undefined: as it comes. */
  readonly hostUsers: boolean | undefined;
  readonly restart: "always" | "on-failure" | "no";
  readonly stopTimeoutSeconds: number;
  readonly sysctl: Readonly<Record<string, string>>;
  /** Flags of `orlop pod create` for limits of all its containers together. */
  readonly resourceFlags: readonly string[];
  readonly volumes: ReadonlyMap<string, KubeVolume>;
  /** Those that prepare, in their order. */
  readonly initContainers: readonly KubeContainer[];
  readonly containers: readonly KubeContainer[];
  readonly ports: readonly PublishedPort[];
  /** Metadata and spec as they were given. */
  readonly source: { readonly metadata: unknown; readonly spec: unknown };
}

const RESTART = { Always: "always", OnFailure: "on-failure", Never: "no" } as const;
const GRACE_SECONDS = 30;
const GRACE_SECONDS_MAX = 10 ** 9 - 1;

/** A document of kind Pod. */
export function readPodDocument(node: KubeNode, data: KubeData): KubePod {
  const object = node.object(POD);
  return readPod(object.needed("metadata"), object.needed("spec"), data);
}

/** @param name of a pod that has none of its own, as that of a Deployment */
export function readPod(metadataNode: KubeNode, specNode: KubeNode, data: KubeData, given?: string): KubePod {
  const metadata = metadataNode.object(METADATA);
  metadata.maybe("namespace", (each) => each.word("default"));
  const name = given ?? readName(metadata.needed("name"));
  const labels = metadata.at("labels").texts();
  const annotations = metadata.at("annotations").texts();
  const spec = specNode.object(POD_SPEC);
  refuseOtherThan(spec);
  const security = spec.at("securityContext").object(POD_SECURITY);
  const sources = { data, fields: fieldsOf(name, labels, annotations) };
  const read = (field: string): readonly KubeContainer[] =>
    spec
      .at(field)
      .list()
      .map((each) => readContainer(each, security, sources));
  const [initContainers, containers] = [read("initContainers"), read("containers")];
  for (const each of spec.at("initContainers").list()) refuseProbes(each);
  if (containers.length === 0) throw spec.at("containers").invalid("there is none");
  refuseTwice(spec, [...initContainers, ...containers]);
  const volumes = new Map(
    spec
      .at("volumes")
      .list()
      .map((each) => readVolume(each, data)),
  );
  refuseUnknownVolumes([...initContainers, ...containers], volumes, spec);
  const restart = spec.maybe("restartPolicy", (each) => each.word("Always", "OnFailure", "Never")) ?? "Always";
  const sharesProcesses = spec.maybe("shareProcessNamespace", (each) => each.flag()) ?? false;
  const hostProcesses = spec.maybe("hostPID", (each) => each.flag()) ?? false;
  if (sharesProcesses && hostProcesses) {
    throw spec.at("shareProcessNamespace").invalid("hostPID and it exclude each other");
  }
  const hostNetwork = spec.maybe("hostNetwork", (each) => each.flag()) ?? false;
  return {
    name,
    labels,
    annotations,
    hostNetwork,
    hostname: spec.maybe("hostname", (each) => each.text()),
    hosts: spec.at("hostAliases").list().map(readAlias),
    dns: readDns(spec),
    sharesProcesses,
    hostProcesses,
    hostIpc: spec.maybe("hostIPC", (each) => each.flag()) ?? false,
    hostUsers: spec.maybe("hostUsers", (each) => each.flag()),
    restart: RESTART[restart],
    stopTimeoutSeconds:
      spec.maybe("terminationGracePeriodSeconds", (each) => each.integer(0, GRACE_SECONDS_MAX)) ?? GRACE_SECONDS,
    sysctl: Object.fromEntries(security.at("sysctls").list().map(readSysctl)),
    resourceFlags: readResourceFlags(spec.at("resources")),
    volumes,
    initContainers,
    containers,
    // On this machine's own network a port is open where the program listens.
    ports: hostNetwork ? [] : containers.flatMap(({ ports }) => ports),
    source: { metadata: metadataNode.value, spec: specNode.value },
  };
}

export function readName(node: KubeNode): string {
  try {
    return parseName(node.text());
  } catch (cause) {
    throw node.invalid((cause as Error).message);
  }
}

/** What can only be as it is. */
function refuseOtherThan(spec: KubeObject): void {
  spec.maybe("enableServiceLinks", (each) => each.flag());
  const os = spec.maybe("os", (each) => each.object({ name: { done: "" } }));
  os?.needed("name").word("linux");
  const token = spec.at("automountServiceAccountToken");
  if (token.value !== undefined && token.flag()) throw token.invalid("there is no service account");
}

function refuseTwice(spec: KubeObject, containers: readonly KubeContainer[]): void {
  const names = containers.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw spec.at("containers").invalid(`there are two called ${JSON.stringify(twice)}`);
}

function refuseUnknownVolumes(
  containers: readonly KubeContainer[],
  volumes: ReadonlyMap<string, KubeVolume>,
  spec: KubeObject,
): void {
  for (const { volume, path } of containers.flatMap(({ mounts }) => mounts)) {
    if (volumes.has(volume)) continue;
    throw spec.at("volumes").invalid(`there is no ${JSON.stringify(volume)}, which ${path} names`);
  }
}

function fieldsOf(
  name: string,
  labels: Labels,
  annotations: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const each = (kind: string, texts: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
    Object.entries(texts).map(([key, value]) => [`metadata.${kind}['${key}']`, value]);
  return new Map([
    ["metadata.name", name],
    ["metadata.namespace", "default"],
    ...each("labels", labels),
    ...each("annotations", annotations),
  ]);
}

function readAlias(node: KubeNode): HostsEntry {
  const object = node.object(HOST_ALIAS);
  const address = object.needed("ip");
  if (isIP(address.text()) === 0) throw address.invalid("it is no IP address");
  const names = object
    .needed("hostnames")
    .list()
    .map((each) => {
      if (/^[A-Za-z0-9._-]+$/.test(each.text())) return each.text();
      throw each.invalid("it is no host name");
    });
  return { address: address.text(), names };
}

function readDns(spec: KubeObject): NetworkOptions["dns"] {
  const policy = spec.maybe("dnsPolicy", (each) => each.word("Default", "ClusterFirst", "None"));
  const config = spec.at("dnsConfig").object(DNS_CONFIG);
  const texts = (name: string): readonly string[] =>
    config
      .at(name)
      .list()
      .map((each) => {
        if (/^[^\s\0]+$/.test(each.text())) return each.text();
        throw each.invalid("it has white space");
      });
  const options = config
    .at("options")
    .list()
    .map((each) => {
      const option = each.object(DNS_OPTION);
      const value = option.maybe("value", (node) => node.text());
      const name = option.needed("name").text();
      return value === undefined ? name : `${name}:${value}`;
    });
  const [servers, search] = [texts("nameservers"), texts("searches")];
  const isAlone = policy === "None";
  return {
    ...(servers.length > 0 || isAlone ? { servers } : {}),
    ...(search.length > 0 || isAlone ? { search } : {}),
    ...(options.length > 0 || isAlone ? { options } : {}),
  };
}

function readSysctl(node: KubeNode): readonly [string, string] {
  const object = node.object(SYSCTL);
  const name = object.needed("name").text();
  if (!/^[a-z0-9_]+([./][A-Za-z0-9_-]+)+$/.test(name)) throw object.at("name").invalid("it is no kernel parameter");
  return [name.replaceAll("/", "."), object.needed("value").text()];
}
