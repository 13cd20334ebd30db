import { OrlopError } from "@orlop/core";
import { parseAllDocuments } from "yaml";
import { KubeNode, refusal } from "./kube-node.ts";

/** A whole document, which says itself of what kind it is. */
export interface KubeDocument {
  readonly kind: string;
  readonly node: KubeNode;
}

/** Characters of all documents together. */
const TEXT_LENGTH_MAX = 8 * 1024 * 1024;
/** References to other parts of a document; each may be as large as all that stands before it. */
const ALIASES_MAX = 100;

const API_VERSIONS: Readonly<Record<string, string>> = {
  Pod: "v1",
  ConfigMap: "v1",
  Secret: "v1",
  PersistentVolumeClaim: "v1",
  Deployment: "apps/v1",
};

/**
 * Reads documents in YAML (or JSON, which is part of it), one after the other, each of a kind that can be played.
 *
 * @param place what to call the text in errors: its path
 * @throws OrlopError `invalid`; `unsupported` for other kinds
 */
export function readKubeDocuments(text: string, place: string): readonly KubeDocument[] {
  const refuse = (what: string): OrlopError => new OrlopError("invalid", `Cannot play "${place}": ${what}`);
  if (text.length > TEXT_LENGTH_MAX) throw refuse(`it is longer than ${TEXT_LENGTH_MAX} characters`);
  const documents = parseAllDocuments(text, { uniqueKeys: true, version: "1.2" });
  if (!Array.isArray(documents)) throw refuse("there is nothing in it");
  const values = documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw refuse(error.message.split("\n")[0] ?? "it is no YAML");
    try {
      return document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
    } catch (cause) {
      throw refuse((cause as Error).message);
    }
  });
  const known = values.filter((value) => value !== null && value !== undefined).flatMap((value) => open(value));
  if (known.length === 0) throw refuse("there is nothing in it");
  return known;
}

function open(value: unknown): readonly KubeDocument[] {
  if (typeof value !== "object" || value === null) throw refusal("invalid", "", "a document is an object with fields");
  const { kind, apiVersion, items } = value as Readonly<Record<string, unknown>>;
  if (kind === "List" && apiVersion === "v1" && Array.isArray(items)) return items.flatMap(open);
  const known = typeof kind === "string" && Object.hasOwn(API_VERSIONS, kind) ? API_VERSIONS[kind] : undefined;
  if (known === undefined) {
    const what = `there is no ${JSON.stringify(kind ?? "")} here, but ${Object.keys(API_VERSIONS).join(", ")}`;
    throw refusal("unsupported", "kind", what);
  }
  if (apiVersion !== known) throw refusal("unsupported", "apiVersion", `of a ${kind} it is ${known}`);
  return [{ kind: kind as string, node: new KubeNode("", value) }];
}
