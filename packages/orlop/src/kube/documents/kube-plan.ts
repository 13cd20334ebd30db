import { type KubeData, readConfigMap, readSecret } from "./kube-data.ts";
import {
  CLAIM,
  CLAIM_RESOURCES,
  CLAIM_SPEC,
  DEPLOYMENT,
  DEPLOYMENT_SPEC,
  METADATA,
  SELECTOR,
  STORAGE,
  TEMPLATE,
} from "./kube-fields.ts";
import type { KubeNode } from "./kube-node.ts";
import { type KubePod, readName, readPod, readPodDocument } from "./kube-pod.ts";
import { readQuantity } from "./quantity.ts";
import type { KubeDocument } from "./read-kube-documents.ts";

/** A volume that a document asks for. */
export interface KubeClaim {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Has to be free when it is made. */
  readonly sizeBytes: number;
}

/** What documents come to. */
export interface KubePlan {
  readonly pods: readonly KubePod[];
  readonly claims: readonly KubeClaim[];
}

const REPLICAS_MAX = 1000;

/**
 * Reads what is to be made. Whatever a document says is in the result, or refused by its path.
 *
 * @param others documents of which only ConfigMaps and Secrets are taken
 * @throws OrlopError `invalid`, `unsupported`, `not-found`
 */
export function planKube(documents: readonly KubeDocument[], others: readonly KubeDocument[] = []): KubePlan {
  const of = (kind: string, all: readonly KubeDocument[] = documents): readonly KubeNode[] =>
    all.flatMap((each) => (each.kind === kind ? [each.node] : []));
  const data: KubeData = {
    configMaps: new Map([...of("ConfigMap", others), ...of("ConfigMap")].map(readConfigMap)),
    secrets: new Map([...of("Secret", others), ...of("Secret")].map(readSecret)),
  };
  return {
    claims: of("PersistentVolumeClaim").map(readClaim),
    pods: [
      ...of("Pod").map((node) => readPodDocument(node, data)),
      ...of("Deployment").flatMap((node) => readDeployment(node, data)),
    ],
  };
}

function readClaim(node: KubeNode): KubeClaim {
  const object = node.object(CLAIM);
  const metadata = object.needed("metadata").object(METADATA);
  metadata.maybe("namespace", (each) => each.word("default"));
  const spec = object.needed("spec").object(CLAIM_SPEC);
  for (const each of spec.at("accessModes").list()) {
    each.word("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod");
  }
  spec.maybe("volumeMode", (each) => each.word("Filesystem"));
  const requests = spec.at("resources").object(CLAIM_RESOURCES).at("requests").object(STORAGE);
  return {
    name: readName(metadata.needed("name")),
    labels: metadata.at("labels").texts(),
    sizeBytes: requests.maybe("storage", readQuantity) ?? 0,
  };
}

function readDeployment(node: KubeNode, data: KubeData): readonly KubePod[] {
  const object = node.object(DEPLOYMENT);
  const metadata = object.needed("metadata").object(METADATA);
  metadata.maybe("namespace", (each) => each.word("default"));
  const name = readName(metadata.needed("name"));
  const spec = object.needed("spec").object(DEPLOYMENT_SPEC);
  const replicas = spec.maybe("replicas", (each) => each.integer(0, REPLICAS_MAX)) ?? 1;
  const template = spec.needed("template").object(TEMPLATE);
  const named = Array.from({ length: replicas }, (_, index) =>
    replicas === 1 ? `${name}-pod` : `${name}-pod-${index}`,
  );
  const pods = named.map((each) => readPod(template.at("metadata"), template.needed("spec"), data, each));
  const selector = spec.at("selector").object(SELECTOR).at("matchLabels");
  for (const [key, value] of Object.entries(selector.texts())) {
    if (pods.every(({ labels }) => labels[key] === value)) continue;
    throw selector.invalid(`the pods' labels do not have ${JSON.stringify(key)} so`);
  }
  return pods;
}
