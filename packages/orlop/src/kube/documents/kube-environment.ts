import type { Variable } from "../../run/environment.ts";
import { expandVariables } from "./expand-variables.ts";
import type { DataEntries, KubeData } from "./kube-data.ts";
import { ENV, ENV_FROM, FIELD_REF, KEY_REF, SOURCE_REF, VALUE_FROM } from "./kube-fields.ts";
import { type KubeNode, type KubeObject, refusal } from "./kube-node.ts";
import { findEntries } from "./kube-volume.ts";

/** What a variable can be made of, besides what it says itself. */
export interface EnvironmentSources {
  readonly data: KubeData;
  /** What fieldRef finds, by its path. */
  readonly fields: ReadonlyMap<string, string>;
}

const NAME = /^[^=\0]+$/;

/** The variables of a container: those of `envFrom`, and over them those of `env`. */
export function readEnvironment(container: KubeObject, sources: EnvironmentSources): readonly Variable[] {
  const known = new Map<string, string>();
  for (const node of container.at("envFrom").list()) {
    for (const [name, value] of readEnvFrom(node, sources.data)) known.set(name, value);
  }
  for (const node of container.at("env").list()) {
    const object = node.object(ENV);
    const name = object.needed("name").text();
    if (!NAME.test(name)) throw object.at("name").invalid("it is no name of a variable");
    if (object.has("value") && object.has("valueFrom")) throw node.invalid("it has value or valueFrom, and not both");
    const value = object.has("valueFrom")
      ? readValueFrom(object.at("valueFrom"), sources)
      : expandVariables(object.maybe("value", (each) => each.text()) ?? "", known);
    if (value !== undefined) known.set(name, value);
  }
  return [...known].map(([name, value]) => ({ name, value }));
}

function readEnvFrom(node: KubeNode, data: KubeData): readonly (readonly [string, string])[] {
  const object = node.object(ENV_FROM);
  const prefix = object.maybe("prefix", (each) => each.text()) ?? "";
  const isSecret = object.has("secretRef");
  if (isSecret === object.has("configMapRef")) throw node.invalid("it has either configMapRef or secretRef");
  const ref = object.at(isSecret ? "secretRef" : "configMapRef").object(SOURCE_REF);
  const optional = ref.maybe("optional", (each) => each.flag()) ?? false;
  const entries = findEntries(isSecret ? data.secrets : data.configMaps, ref.needed("name"), optional);
  return [...entries].map(([key, bytes]) => [`${prefix}${key}`, textOf(bytes, `${node.path}.${key}`)]);
}

function readValueFrom(node: KubeNode, { data, fields }: EnvironmentSources): string | undefined {
  const object = node.object(VALUE_FROM);
  const sources = ["configMapKeyRef", "secretKeyRef", "fieldRef"].filter((name) => object.has(name));
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    throw node.invalid("it has one of configMapKeyRef, secretKeyRef, fieldRef");
  }
  if (source === "fieldRef") return readField(object.at(source).object(FIELD_REF), fields);
  return readKey(object.at(source).object(KEY_REF), source === "secretKeyRef" ? data.secrets : data.configMaps);
}

function readField(ref: KubeObject, fields: ReadonlyMap<string, string>): string {
  ref.maybe("apiVersion", (each) => each.word("v1"));
  const path = ref.needed("fieldPath");
  const text = path.text();
  const value = fields.get(text) ?? (/^metadata\.(labels|annotations)\['.*'\]$/.test(text) ? "" : undefined);
  if (value !== undefined) return value;
  throw refusal("unsupported", path.path, `of ${JSON.stringify(text)} nothing is known when a container is made`);
}

function readKey(ref: KubeObject, all: ReadonlyMap<string, DataEntries>): string | undefined {
  const optional = ref.maybe("optional", (each) => each.flag()) ?? false;
  const key = ref.needed("key");
  const bytes = findEntries(all, ref.needed("name"), optional).get(key.text());
  if (bytes !== undefined) return textOf(bytes, key.path);
  if (optional) return undefined;
  throw refusal("not-found", key.path, `there is no key ${JSON.stringify(key.text())}`);
}

function textOf(bytes: Buffer, path: string): string {
  if (bytes.includes(0)) throw refusal("invalid", path, "a variable cannot have a zero byte");
  return bytes.toString();
}
