import { CONFIG_MAP, METADATA, SECRET } from "./kube-fields.ts";
import { type KubeNode, type KubeObject, refusal } from "./kube-node.ts";

/** What ConfigMaps and Secrets of a call hold: bytes by keys, by names. */
export interface KubeData {
  readonly configMaps: ReadonlyMap<string, DataEntries>;
  readonly secrets: ReadonlyMap<string, DataEntries>;
}

export type DataEntries = ReadonlyMap<string, Buffer>;

/** @throws OrlopError `invalid`, `unsupported` */
export function readConfigMap(node: KubeNode): readonly [name: string, entries: DataEntries] {
  const object = node.object(CONFIG_MAP);
  object.maybe("immutable", (each) => each.flag());
  return [nameOf(object), entriesOf(object, "data", "binaryData")];
}

/** @throws OrlopError `invalid`, `unsupported` */
export function readSecret(node: KubeNode): readonly [name: string, entries: DataEntries] {
  const object = node.object(SECRET);
  object.maybe("immutable", (each) => each.flag());
  object.maybe("type", (each) => each.text());
  return [nameOf(object), entriesOf(object, "stringData", "data")];
}

function nameOf(object: KubeObject): string {
  return object.needed("metadata").object(METADATA).needed("name").text();
}

function entriesOf(object: KubeObject, texts: string, encoded: string): DataEntries {
  const bytes = Object.entries(object.at(encoded).texts()).map(([key, value]): [string, Buffer] => {
    const plain = value.replaceAll(/\s/g, "");
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(plain) && plain.length % 4 === 0) return [key, Buffer.from(plain, "base64")];
    throw refusal("invalid", `${encoded}.${key}`, "it is no base64");
  });
  const plain = Object.entries(object.at(texts).texts()).map(([key, value]): [string, Buffer] => [
    key,
    Buffer.from(value),
  ]);
  const all = [...bytes, ...plain];
  const strange = all.find(([key]) => !/^[A-Za-z0-9._-]{1,253}$/.test(key) || key === "." || key === "..");
  if (strange !== undefined) {
    throw refusal("invalid", `${texts}.${JSON.stringify(strange[0])}`, "a key has letters, digits and - _ . alone");
  }
  return new Map(all);
}
