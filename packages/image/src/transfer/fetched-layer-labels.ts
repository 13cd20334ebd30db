import { type Descriptor, LABEL_SNAPSHOT_REF, type Labels } from "@orlop/core";

/** Annotations of layers that snapshotters are told of: what a layer looks like inside, for some (FilterInheritedLabels). */
const INHERITED = "containerd.io/snapshot/";
/** The labels by which containerd's clients say where a layer is (containerd, pkg/snapshotters/annotations.go). */
const PREFIX = `${INHERITED}cri.`;
/** Of a label, its name and its value (containerd, pkg/labels/validate.go). */
const LABEL_MAX_BYTES = 4096;

/** An image in a registry, whose layers a snapshotter may fetch. */
export interface FetchedImage {
  /** In full. */
  readonly reference: string;
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What a snapshotter that fetches is told of a layer. Of those above it as many as fit into a label, to be fetched in advance. */
export function fetchedLayerLabels(
  { reference, manifest, layers }: FetchedImage,
  index: number,
  chainId: string,
): Labels {
  const name = `${PREFIX}image-layers`;
  let above = "";
  for (const each of layers.slice(index)) {
    const longer = above === "" ? each.digest : `${above},${each.digest}`;
    if (name.length + longer.length > LABEL_MAX_BYTES) break;
    above = longer;
  }
  const { digest, annotations = {} } = layers[index] as Descriptor;
  const inherited = Object.entries(annotations).filter(([name]) => name.startsWith(INHERITED));
  return {
    ...Object.fromEntries(inherited),
    [LABEL_SNAPSHOT_REF]: chainId,
    [`${PREFIX}image-ref`]: reference,
    [`${PREFIX}manifest-digest`]: manifest.digest,
    [`${PREFIX}layer-digest`]: digest,
    [name]: above,
  };
}
