import { OrlopError } from "@orlop/core";
import type { Credential } from "./credential.ts";

/** What docker's `config.json` and containers' `auth.json` say of registries; both have the same form. */
export interface AuthDocument {
  /** Names of registries or repositories, as they stand there. */
  readonly keys: readonly string[];
  /** @throws OrlopError `invalid` when what stands under the key is no credential */
  credential(key: string): Credential | undefined;
  /** `docker-credential-NAME` for everything that has no helper of its own. */
  readonly store: string | undefined;
  /** Names of helpers by registry. */
  readonly helpers: ReadonlyMap<string, string>;
}

/** Of files that are not there. */
export const EMPTY_AUTH_DOCUMENT: AuthDocument = {
  keys: [],
  credential: () => undefined,
  store: undefined,
  helpers: new Map(),
};

/** @throws OrlopError `invalid` */
export function parseAuthDocument(path: string, text: string): AuthDocument {
  const members = authMembers(path, text);
  const auths = recordOf(path, "auths", members.auths);
  const store = textOf(path, "credsStore", members.credsStore);
  const helpers = Object.entries(recordOf(path, "credHelpers", members.credHelpers)).map(
    ([registry, name]) => [registry, textOf(path, `credHelpers["${registry}"]`, name) ?? ""] as const,
  );
  return {
    keys: Object.keys(auths),
    credential: (key) => entryCredential(path, key, auths[key]),
    store: store === "" ? undefined : store,
    helpers: new Map(helpers.filter(([, name]) => name !== "")),
  };
}

/** The whole of a file, to be written back with changes. @throws OrlopError `invalid` */
export function authMembers(path: string, text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, "it is not JSON");
  }
  return recordOf(path, undefined, value);
}

function entryCredential(path: string, key: string, value: unknown): Credential | undefined {
  if (value === undefined || value === null) return undefined;
  const at = `auths["${key}"]`;
  const entry = recordOf(path, at, value);
  const text = (name: string): string => textOf(path, `${at}.${name}`, entry[name]) ?? "";
  if (text("registrytoken") !== "") return { kind: "registry-token", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "identity-token", token: text("identitytoken") };
  if (text("auth") !== "") return decodePair(path, at, text("auth"));
  if (text("username") === "") return undefined;
  return { kind: "password", username: text("username"), password: text("password") };
}

/** `user:password` in base64; docker pads some with zeros. */
function decodePair(path: string, at: string, encoded: string): Credential {
  const pair = Buffer.from(encoded, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = pair.indexOf(":");
  if (colon <= 0) throw invalid(path, `${at}.auth is not the base64 of USER:PASSWORD`);
  return { kind: "password", username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function recordOf(path: string, at: string | undefined, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(path, `${at ?? "it"} is no object`);
}

function textOf(path: string, at: string, value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw invalid(path, `${at} is no text`);
}

/** What is in the file is not quoted: it is secret. */
function invalid(path: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot read credentials "${path}": ${problem}`, { operation: "read credentials" });
}
