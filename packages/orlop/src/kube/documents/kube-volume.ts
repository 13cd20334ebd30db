import { isAbsolute } from "node:path";
import type { DataEntries, KubeData } from "./kube-data.ts";
import { CLAIM_REF, EMPTY_DIR, FILE_ITEM, FILES, HOST_PATH, VOLUME } from "./kube-fields.ts";
import { type KubeNode, type KubeObject, refusal } from "./kube-node.ts";

/** What can be mounted in the containers of a pod. */
export type KubeVolume =
  | { readonly kind: "host"; readonly path: string; readonly expects: HostPathType }
  /** A directory of the pod's own. */
  | { readonly kind: "empty"; readonly name: string }
  /** The same with files in it, read-only. */
  | { readonly kind: "files"; readonly name: string; readonly files: readonly KubeFile[] }
  | { readonly kind: "claim"; readonly volume: string; readonly readonly: boolean };

interface KubeFile {
  /** Below the volume. */
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

const HOST_PATH_TYPES = ["", "DirectoryOrCreate", "Directory", "File", "Socket", "CharDevice", "BlockDevice"] as const;
export type HostPathType = (typeof HOST_PATH_TYPES)[number];

const SOURCES = ["hostPath", "emptyDir", "configMap", "secret", "persistentVolumeClaim"] as const;
const MODE_MAX = 0o777;

/** @throws OrlopError `invalid`, `unsupported`; `not-found` for a ConfigMap or Secret that is not among the documents */
export function readVolume(node: KubeNode, data: KubeData): readonly [name: string, volume: KubeVolume] {
  const object = node.object(VOLUME);
  const name = object.needed("name").text();
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    throw object.at("name").invalid("a name has small letters, digits and hyphens alone");
  }
  const given = SOURCES.filter((source) => object.has(source));
  const [source] = given;
  if (source === undefined || given.length > 1) throw node.invalid(`it has one of ${SOURCES.join(", ")}`);
  return [name, readSource(object.at(source), source, name, data)];
}

function readSource(node: KubeNode, source: (typeof SOURCES)[number], name: string, data: KubeData): KubeVolume {
  switch (source) {
    case "hostPath": {
      const object = node.object(HOST_PATH);
      const path = object.needed("path").text();
      if (!isAbsolute(path)) throw object.at("path").invalid("it is an absolute path");
      return { kind: "host", path, expects: object.maybe("type", (each) => each.word(...HOST_PATH_TYPES)) ?? "" };
    }
    case "emptyDir":
      node.object(EMPTY_DIR);
      return { kind: "empty", name };
    case "configMap":
    case "secret":
      return { kind: "files", name, files: readFiles(node, source, data) };
    case "persistentVolumeClaim": {
      const object = node.object(CLAIM_REF);
      const readonly = object.maybe("readOnly", (each) => each.flag()) ?? false;
      return { kind: "claim", volume: object.needed("claimName").text(), readonly };
    }
  }
}

function readFiles(node: KubeNode, source: "configMap" | "secret", data: KubeData): readonly KubeFile[] {
  const object = node.object(FILES);
  const key = source === "secret" ? "secretName" : "name";
  const other = source === "secret" ? "name" : "secretName";
  if (object.has(other)) throw object.at(other).invalid("there is no such field");
  const optional = object.maybe("optional", (each) => each.flag()) ?? false;
  const all = source === "secret" ? data.secrets : data.configMaps;
  const entries = findEntries(all, object.needed(key), optional);
  const defaultMode = object.maybe("defaultMode", (each) => each.integer(0, MODE_MAX)) ?? 0o644;
  if (!object.has("items")) {
    return [...entries].map(([path, content]) => ({ path, content, mode: defaultMode }));
  }
  return object
    .at("items")
    .list()
    .flatMap((item) => readItem(item.object(FILE_ITEM), entries, { defaultMode, optional }));
}

function readItem(
  item: KubeObject,
  entries: DataEntries,
  { defaultMode, optional }: { readonly defaultMode: number; readonly optional: boolean },
): readonly KubeFile[] {
  const key = item.needed("key");
  const content = entries.get(key.text());
  const path = item.needed("path").text();
  const mode = item.maybe("mode", (each) => each.integer(0, MODE_MAX)) ?? defaultMode;
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw item.at("path").invalid("it is a relative path without . and ..");
  }
  if (content !== undefined) return [{ path, content, mode }];
  if (optional) return [];
  throw refusal("not-found", key.path, `there is no key ${JSON.stringify(key.text())}`);
}

/** Those of a ConfigMap or Secret. @throws OrlopError `not-found` for one that is not there and not optional */
export function findEntries(all: ReadonlyMap<string, DataEntries>, name: KubeNode, optional: boolean): DataEntries {
  const entries = all.get(name.text());
  if (entries !== undefined) return entries;
  if (optional) return new Map();
  const what = `there is no ${JSON.stringify(name.text())} among the documents`;
  throw refusal("not-found", name.path, `${what}\nTry --configmap FILE for one that lies elsewhere.`);
}
