import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";
import { stringify } from "yaml";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { printText, printWarning } from "../print.ts";
import { type GeneratedDocuments, generateLonePod, generatePod } from "./generate-pod.ts";

export const generateKubeCommand: Command = containerCommand(
  {
    name: "kube",
    usage: "[OPTIONS] POD|CONTAINER|VOLUME [POD|CONTAINER|VOLUME...]",
    description:
      "Writes pods, containers and volumes as documents of Kubernetes, which orlop play kube takes back. A container alone is a " +
      "pod of one. What a document cannot say is told on standard error.",
    examples: [["orlop generate kube web > web.yaml", "orlop play kube web.yaml"]],
    table: {
      flags: [{ name: "filename", short: "f", value: "FILE", help: "Write to a file, which must not exist" }],
      refused: [
        { name: "service", short: "s", isSwitch: true, reason: "a Service is nothing here: publish with hostPort" },
      ],
      flagsAnywhere: true,
    },
  },
  async (call) => {
    const { flags, machine } = call;
    if (flags.positional.length === 0)
      throw new OrlopError("invalid", "at least one pod, container or volume is required");
    const all: GeneratedDocuments[] = [];
    for (const name of flags.positional) all.push(await generate(call, name));
    for (const what of all.flatMap(({ lost }) => lost)) printWarning(`not in the document: ${what}`);
    const documents = all.flatMap((each) => each.documents);
    const text = documents.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
    const file = flags.text("filename");
    if (file === undefined) printText(text);
    else writeFileSync(resolve(machine.cwd, file), text, { flag: "wx" });
    return 0;
  },
);

async function generate({ engine }: ContainerCall, name: string): Promise<GeneratedDocuments> {
  const inspect: Parameters<typeof generatePod>[1] = (container) => ({
    container,
    spec: engine.spec(container),
    logPath: "",
  });
  if (engine.pods.exists(name)) return generatePod(await engine.pods.find(name), inspect);
  const volume = engine.volumes.find(name);
  try {
    const container = await engine.find(name);
    if (container.pod === undefined) return generateLonePod(container, inspect);
    throw new OrlopError("invalid", `Cannot write container "${container.name}" as a document: it belongs to a pod`);
  } catch (error) {
    if (volume === undefined || !(error instanceof OrlopError) || error.code !== "not-found") throw error;
  }
  const { labels } = volume;
  const metadata = { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) };
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } };
  return { documents: [{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec }], lost: [] };
}
