import type { Pod } from "@orlop/engine";
import type { KubeContainer } from "./documents/kube-container.ts";
import type { KubePod } from "./documents/kube-pod.ts";
import type { KubeDocument } from "./documents/read-kube-documents.ts";

/** Annotation of a pod that holds the documents it was made of. */
export const KUBE_SOURCE = "orlop.kube/source";
/** Annotation of a document: networks by their names, with commas between, or `none`. */
export const NETWORK_ANNOTATION = "orlop.kube/network";

/** Of a pod: its own document first, then those that it takes something from. */
interface KubeSource {
  readonly containers: readonly string[];
  readonly documents: readonly unknown[];
}

const TAKEN_FROM: ReadonlySet<string> = new Set(["ConfigMap", "Secret", "PersistentVolumeClaim"]);

export function sourceText(
  { name, source, initContainers, containers }: KubePod,
  all: readonly KubeDocument[],
): string {
  const spec = JSON.stringify(source.spec);
  const named = (value: unknown): string => String((value as { metadata?: { name?: unknown } }).metadata?.name ?? "");
  const others = all.filter(
    ({ kind, node }) => TAKEN_FROM.has(kind) && spec.includes(JSON.stringify(named(node.value))),
  );
  // Of several of one name the last counts.
  const byName = new Map(others.map(({ kind, node }) => [`${kind} ${named(node.value)}`, node.value]));
  const metadata = { ...(source.metadata as object), name };
  const own = { apiVersion: "v1", kind: "Pod", metadata, spec: source.spec };
  const names = [...initContainers, ...containers].map((container: KubeContainer) => `${name}-${container.name}`);
  return JSON.stringify({ containers: names, documents: [own, ...byName.values()] } satisfies KubeSource);
}

/** Undefined for a pod of no document. */
export function sourceOf({ annotations }: Pod): KubeSource | undefined {
  const text = annotations[KUBE_SOURCE];
  return text === undefined ? undefined : (JSON.parse(text) as KubeSource);
}
