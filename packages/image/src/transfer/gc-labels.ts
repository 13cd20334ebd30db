import { type Descriptor, LABEL_GC_REF_CONTENT, type Labels } from "@orlop/core";

/** Labels by which a manifest or an index keeps what it names; as containerd names them. */
export function gcLabels(children: readonly Descriptor[]): Labels {
  return Object.fromEntries(children.map(({ digest }, index) => [`${LABEL_GC_REF_CONTENT}.${index}`, digest]));
}
