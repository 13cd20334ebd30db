import { OrlopError } from "@orlop/core";
import { type PodWithMembers, podStatus } from "@orlop/engine";
import type { Command } from "../command.ts";
import { containerCommand } from "../containers/container-verb.ts";
import { networkNames } from "../containers/network-names.ts";
import { NIL_LIST, Struct } from "../format/template/value.ts";
import { dictionaryOf, documentOf } from "../inspect/document-of.ts";
import { printDocuments } from "../inspect/document-printer.ts";
import { portsDictionary } from "../inspect/network-settings-document.ts";
import { printError, printText } from "../print.ts";
import { isMain } from "./pod-row.ts";
import { LATEST, namedOrLatestPods } from "./pod-verb.ts";

export const podInspectCommand: Command = containerCommand(
  {
    name: "inspect",
    usage: "[OPTIONS] POD [POD...]",
    description: "Tells all about pods: of one as a JSON object, of several as a list of them.",
    examples: [["orlop pod inspect -f '{{.State}} {{.NumContainers}}' web", "what it does"]],
    table: {
      flags: [
        { name: "format", short: "f", value: "FORMAT", help: "json, or a template in the language of Go's templates" },
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { engine, flags } = call;
    const names = await namedOrLatestPods(call);
    if (names.length === 0) throw new OrlopError("invalid", '"orlop pod inspect" takes at least one pod');
    const read = async (text: string): Promise<Struct> => podDocument(await engine.pods.find(text));
    const isOne = names.length === 1;
    const format = flags.text("format") ?? "";
    return await printDocuments(names, format, read, {
      // Podman's: one pod alone is no list.
      text: (text) => printText(isOne && (format === "" || format === "json") ? withoutList(text) : text),
      error: printError,
    });
  },
);

function withoutList(text: string): string {
  const [only] = JSON.parse(text) as readonly unknown[];
  return only === undefined ? text : `${JSON.stringify(only, undefined, text.includes("\n ") ? 5 : 0)}\n`;
}

/** With podman's fields; there is no infra container. */
export function podDocument({ pod, members }: PodWithMembers): Struct {
  const { network, state, names, resources } = pod;
  const ports = network.kind === "networks" ? network.ports : [];
  return new Struct([
    ...documentOf({
      Id: pod.id,
      Name: pod.name,
      Created: new Date(pod.createdAtMs).toISOString(),
      ExitPolicy: pod.exitPolicy,
      State: podStatus(pod, members.filter(isMain)),
      Hostname: names.hostname,
      Labels: dictionaryOf(pod.labels),
      CreateCgroup: true,
      CgroupParent: pod.cgroupParent ?? "orlop",
      CgroupPath: `${pod.cgroupParent ?? "orlop"}/pod-${pod.id}`,
      CreateInfra: false,
      SharedNamespaces: pod.share.length === 0 ? NIL_LIST : pod.share,
      InfraConfig: documentOf({
        PortBindings: portsDictionary(state.endpoints[0]?.ports ?? ports),
        HostNetwork: network.kind === "host",
        Networks: network.kind === "networks" ? networkNames(network) : NIL_LIST,
        IPAddresses: state.endpoints.flatMap(({ addresses }) => addresses),
        DNSServer: names.servers ?? NIL_LIST,
        DNSSearch: names.search ?? NIL_LIST,
        DNSOption: names.options ?? NIL_LIST,
        HostAdd: names.hosts.flatMap(({ address, names: hosts }) => hosts.map((host) => `${host}:${address}`)),
      }),
      NumContainers: members.length,
      Containers: members.map(({ id, name, state: own }) => documentOf({ Id: id, Name: name, State: own.status })),
    }).fields,
    { name: "cpu_quota", value: resources?.cpu?.quota ?? 0, omitEmpty: true },
    { name: "cpu_period", value: resources?.cpu?.period ?? 0, omitEmpty: true },
    { name: "cpu_shares", value: resources?.cpu?.shares ?? 0, omitEmpty: true },
    { name: "cpuset_cpus", value: resources?.cpu?.cpus ?? "", omitEmpty: true },
    { name: "memory_limit", value: resources?.memory?.limit ?? 0, omitEmpty: true },
  ]);
}
