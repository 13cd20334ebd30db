import { readFileSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import type { PodWish } from "../pods/pod-wish.ts";
import { printText } from "../print.ts";
import { readNetworkOptions } from "../run/network-options.ts";
import { RUN_FLAGS } from "../run/run-flags.ts";
import { type KubeClaim, type KubePlan, planKube } from "./documents/kube-plan.ts";
import type { KubePod } from "./documents/kube-pod.ts";
import { type KubeDocument, readKubeDocuments } from "./documents/read-kube-documents.ts";
import { KUBE_SOURCE, NETWORK_ANNOTATION, sourceText } from "./kube-source.ts";
import { playPod } from "./play-pod.ts";

const noRegistry = "use orlop login, or configure the registry";
const OF_RUN: ReadonlySet<string> = new Set(["network", "ip", "ip6", "mac-address", "log-driver", "log-opt", "quiet"]);

const OF_DOWN: ReadonlySet<string> = new Set(["configmap", "force"]);

const TABLE: Command["table"] = {
  flags: [
    { name: "annotation", value: "KEY=VALUE", help: "Note something with the pods" },
    { name: "configmap", value: "FILE", help: "Take ConfigMaps and Secrets from this file, too" },
    { name: "down", help: "Remove the pods of the documents" },
    { name: "force", help: "With --down, remove the volumes of the documents' claims, too" },
    { name: "replace", help: "Remove pods of the same names first" },
    { name: "start", help: "Start the pods (on unless =false)" },
    ...RUN_FLAGS.flags.filter(({ name }) => OF_RUN.has(name)),
  ],
  refused: [
    { name: "authfile", reason: noRegistry },
    { name: "cert-dir", reason: noRegistry },
    { name: "creds", reason: noRegistry },
    { name: "tls-verify", isSwitch: true, reason: noRegistry },
    { name: "build", isSwitch: true, reason: "images are not built here" },
    { name: "context-dir", reason: "images are not built here" },
    { name: "no-hosts", isSwitch: true, reason: "containers of a pod find each other by /etc/hosts" },
    { name: "seccomp-profile-root", reason: "a filter cannot be named in a document yet" },
    { name: "userns", reason: "an ordinary user's pods have a user namespace, root's have none" },
  ],
  flagsAnywhere: true,
};

export const playKubeCommand: Command = containerCommand(
  {
    name: "kube",
    startsProcesses: true,
    usage: "[OPTIONS] FILE|-",
    description:
      "Makes and starts what documents of Kubernetes say: Pod, Deployment, ConfigMap, Secret, PersistentVolumeClaim. What a " +
      "document says and orlop does not do is refused by its path, before anything is made; docs/pods.md has the fields.\n\n" +
      "Pods are on the default network unless --network says otherwise. A hostPort listens on 127.0.0.1 unless hostIP says " +
      "another address.",
    examples: [
      ["orlop play kube web.yaml", "makes it, and prints ids"],
      ["orlop generate kube web | orlop play kube --replace -", "once more the same"],
      ["orlop play kube --down web.yaml", "removes the pods"],
    ],
    table: TABLE,
  },
  async (call) => await play(call, call.flags.isOn("down")),
);

export const kubeDownCommand: Command = containerCommand(
  {
    name: "down",
    usage: "[OPTIONS] FILE|-",
    description:
      "Removes the pods that documents of Kubernetes are about, with their containers; volumes stay without --force.",
    examples: [["orlop kube down web.yaml", "what orlop kube play web.yaml made"]],
    table: { ...TABLE, flags: TABLE.flags.filter(({ name }) => OF_DOWN.has(name)) },
  },
  async (call) => await play({ ...call, flags: call.flags.asFor(TABLE.flags) }, true),
);

async function play(call: ContainerCall, isDown: boolean): Promise<number> {
  const { flags, machine } = call;
  const [place, ...rest] = flags.positional;
  if (place === undefined || rest.length > 0)
    throw new OrlopError("invalid", "one file is taken, or - for standard input");
  const documents = readKubeDocuments(await readDocument(place, machine.cwd), place);
  const others = flags
    .list("configmap")
    .flatMap((path) => readKubeDocuments(readText(resolve(machine.cwd, path)), path));
  const plan = planKube(documents, others);
  if (flags.isOn("force") && !isDown) throw new OrlopError("invalid", "--force goes with --down");
  return isDown ? await takeDown(call, plan) : await makeAll(call, plan, [...others, ...documents]);
}

async function takeDown({ engine, flags }: ContainerCall, { pods, claims }: KubePlan): Promise<number> {
  const there = pods.filter(({ name }) => engine.pods.exists(name));
  const ids: string[] = [];
  for (const { name, stopTimeoutSeconds } of there) {
    const { id } = await engine.pods.remove(name, { force: true, timeoutMs: stopTimeoutSeconds * 1000 });
    ids.push(`${id}\n`);
  }
  printText(`Pods stopped:\n${ids.join("")}Pods removed:\n${ids.join("")}`);
  if (!flags.isOn("force")) return 0;
  const volumes = claims.filter(({ name }) => engine.volumes.find(name) !== undefined);
  for (const { name } of volumes) await engine.volumes.remove(name);
  printText(`Volumes removed:\n${volumes.map(({ name }) => `${name}\n`).join("")}`);
  return 0;
}

async function makeAll(call: ContainerCall, plan: KubePlan, documents: readonly KubeDocument[]): Promise<number> {
  const { engine, flags } = call;
  const runFlags = flags.asFor(RUN_FLAGS.flags);
  const networks = new Map(plan.pods.map((pod) => [pod.name, networkOf(runFlags, pod)]));
  if (!flags.isOn("replace")) refuseTaken(call, plan.pods);
  const volumes = await makeClaims(call, plan.claims);
  if (volumes.length > 0) printText(`Volumes:\n${volumes.map((name) => `${name}\n`).join("")}\n`);
  const annotations = Object.fromEntries(flags.parseAll("annotation", parseAnnotation));
  for (const kube of plan.pods) {
    if (flags.isOn("replace") && engine.pods.exists(kube.name)) await engine.pods.remove(kube.name, { force: true });
    const { pod, containers } = await playPod(call, kube, {
      network: networks.get(kube.name) ?? { kind: "none" },
      annotations: { ...annotations, [KUBE_SOURCE]: sourceText(kube, documents) },
      flags: passedOn(flags),
    });
    const title = containers.length === 1 ? "Container" : "Containers";
    printText(`Pod:\n${pod.id}\n${title}:\n${containers.map(({ id }) => `${id}\n`).join("")}\n`);
    if (!flags.has("start") || flags.isOn("start")) await engine.pods.start(pod.id);
  }
  return 0;
}

/** Before anything is made. */
function refuseTaken({ engine }: ContainerCall, pods: readonly KubePod[]): void {
  const names = pods.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new OrlopError("invalid", `Cannot play pod "${twice}": there are two of that name`);
  const taken = names.find((name) => engine.pods.exists(name));
  if (taken === undefined) return;
  throw new OrlopError(
    "conflict",
    `Cannot play pod "${taken}": there is a pod of that name\nTry --replace, or --down.`,
  );
}

/** Volumes that are not there yet. @returns names of all that are asked for */
async function makeClaims({ engine, depot }: ContainerCall, claims: readonly KubeClaim[]): Promise<readonly string[]> {
  for (const { name, labels, sizeBytes } of claims) {
    if (engine.volumes.find(name) !== undefined) continue;
    const { bavail, bsize } = statfsSync(depot.root);
    if (bavail * bsize < sizeBytes) {
      const what = `${sizeBytes} bytes are asked for, and ${bavail * bsize} are free`;
      throw new OrlopError("exhausted", `Cannot make volume "${name}": ${what}`);
    }
    await engine.volumes.ensure(name, { labels });
  }
  return claims.map(({ name }) => name);
}

function networkOf(flags: ParsedFlags, pod: KubePod): PodWish["network"] {
  const asked = readNetworkOptions(flags).network;
  if (asked.kind === "container" || asked.kind === "pod") {
    throw new OrlopError("unsupported", 'Cannot use flag "--network": the network of a pod cannot be a container\'s');
  }
  if (pod.hostNetwork) {
    if (!flags.has("network")) return { kind: "host" };
    throw new OrlopError("invalid", `Cannot play pod "${pod.name}": it has hostNetwork, and --network is given`);
  }
  const noted = pod.annotations[NETWORK_ANNOTATION]?.split(",");
  const chosen: PodWish["network"] = flags.has("network")
    ? asked
    : noted?.[0] === "none"
      ? { kind: "none" }
      : {
          kind: "networks",
          ports: [],
          attachments: (noted ?? ["bridge"]).map((network) => ({ network, aliases: [] })),
        };
  if (chosen.kind === "networks") return { ...chosen, ports: pod.ports };
  if (pod.ports.length === 0) return chosen;
  throw new OrlopError(
    "invalid",
    `Cannot play pod "${pod.name}": it has a hostPort, and its network is ${chosen.kind}`,
  );
}

/** Flags that every container gets. */
function passedOn(flags: ParsedFlags): readonly string[] {
  return [
    ...["log-driver", "log-opt"].flatMap((name) => flags.list(name).flatMap((value) => [`--${name}`, value])),
    ...(flags.isOn("quiet") ? ["--quiet"] : []),
  ];
}

function parseAnnotation(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new OrlopError("invalid", "it is KEY=VALUE");
}

async function readDocument(place: string, cwd: string): Promise<string> {
  if (place !== "-") return readText(resolve(cwd, place));
  const chunks: Buffer[] = [];
  for await (const chunk of caller().stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw systemFailure(`read "${path}"`, cause);
  }
}
