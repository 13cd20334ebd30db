import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { EgressPolicy } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { hostText, isHostAllowed, parseSecretHost, type SecretHost } from "@orlop/network/secrets";
import type { MachineView } from "../../run/machine-view.ts";
import { checkOptions, isText, type OptionCheck } from "../check-options.ts";
import { parseTarget } from "../network/parse-target.ts";
import { readNetwork } from "../network/read-network.ts";
import { inField, invalid } from "../option-failure.ts";
import type { SandboxOptions, SandboxSecret } from "../sandbox-options.ts";

/** A secret as it was asked for, with its value. */
export interface ReadSecret {
  /** Of its variable. */
  readonly name: string;
  readonly value: string;
  readonly hosts: readonly SecretHost[];
  readonly places: NonNullable<SandboxSecret["in"]>;
}

const CHECKS: Readonly<Record<keyof SandboxSecret, OptionCheck>> = {
  // Not by what it is: an error is nothing to have it in.
  value: (value) => (typeof value === "string" ? undefined : "it is a string"),
  env: isText,
  file: isText,
  hosts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string")
      ? undefined
      : "it is an array of strings, and not empty",
  in: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isPlace)
      ? undefined
      : 'it is an array of "headers", "header:NAME", "url" and "body"',
};

const SECRETS_MAX = 64;
/** Shorter ones are found by chance in what servers answer, and by trying. */
const VALUE_MIN = 8;
/** Half of what servers take as the head of a request. */
const VALUE_MAX = 8192;
const FILE_MAX_BYTES = VALUE_MAX + 2;

/**
 * A sandbox's secrets with their values.
 *
 * @throws OrlopError `invalid` for what cannot be put into requests, or is for servers that it may not reach; `not-found` or
 *   `denied` for files that cannot be read
 */
export function readSecrets(
  { secrets = {}, network, env = {} }: Pick<SandboxOptions, "secrets" | "network" | "env">,
  machine: Pick<MachineView, "cwd" | "env">,
): readonly ReadSecret[] {
  const { choice, allow } = readNetwork(network);
  if (choice.kind === "host") {
    const what = "it is on this machine's network, where nobody can stand between it and others";
    throw invalid("secrets", what);
  }
  const policy: EgressPolicy = allow === undefined ? "all" : { allow: allow.map(parseTarget) };
  const entries = Object.entries(secrets);
  if (entries.length > SECRETS_MAX) throw invalid("secrets", `there are at most ${SECRETS_MAX}`);
  const read = entries.map(([name, secret]): ReadSecret => {
    const field = `secrets.${name}`;
    if (!/^[A-Za-z_]\w*$/.test(name)) throw invalid("secrets", `${JSON.stringify(name)} is no name of a variable`);
    if (Object.hasOwn(env, name)) throw invalid(field, "option env has a variable of that name, too");
    checkOptions(`create sandbox: option "${field}"`, secret, CHECKS);
    const hosts = readHosts(field, secret.hosts ?? [], policy);
    return { name, value: readValue(field, secret, machine), hosts, places: readPlaces(secret) };
  });
  refuseMixedPorts(read);
  return read;
}

function readHosts(field: string, texts: readonly string[], policy: EgressPolicy): readonly SecretHost[] {
  if (texts.length === 0) throw invalid(field, "it needs hosts");
  return texts.map((text) => {
    const host = inField(field, () => parseSecretHost(text));
    if (isHostAllowed(policy, host)) return host;
    const way = `Try "${host.name}:${host.port}" there.`;
    throw invalid(field, `host "${hostText(host)}" is not in what option "network" allows\n${way}`);
  });
}

function readValue(field: string, secret: SandboxSecret, machine: Pick<MachineView, "cwd" | "env">): string {
  const given = (["value", "env", "file"] as const).filter((key) => secret[key] !== undefined);
  const [source] = given;
  if (source === undefined || given.length > 1) throw invalid(field, "it needs one of value, env and file");
  const value =
    source === "file" ? fileValue(field, resolve(machine.cwd, secret.file ?? "")) : sourceValue(secret, machine);
  if (value === undefined) throw invalid(field, `there is no variable "${secret.env}"`);
  if (value.length < VALUE_MIN) throw invalid(field, `its value has less than ${VALUE_MIN} characters`);
  if (value.length > VALUE_MAX) throw invalid(field, `its value has more than ${VALUE_MAX} characters`);
  // Within it a line's end would be one of the field it is put into.
  if (!/^[\x20-\x7e]+$/.test(value))
    throw invalid(field, "its value has other characters than those of printable ASCII");
  if (value !== value.trim()) throw invalid(field, "its value begins or ends with a space");
  return value;
}

function sourceValue({ value, env = "" }: SandboxSecret, machine: Pick<MachineView, "env">): string | undefined {
  return value ?? machine.env[env];
}

function fileValue(field: string, path: string): string {
  return inField(field, () => {
    try {
      const bytes = readFileSync(path);
      // More is never a value: the check of that says so.
      return bytes
        .subarray(0, FILE_MAX_BYTES)
        .toString("latin1")
        .replace(/\r?\n$/, "");
    } catch (cause) {
      throw systemFailure(`read "${path}"`, cause);
    }
  });
}

/** Names of fields are the same in capitals. */
function readPlaces({ in: places = ["headers"] }: SandboxSecret): ReadSecret["places"] {
  return places.map((place) => place.toLowerCase() as (typeof places)[number]);
}

function isPlace(value: unknown): boolean {
  return typeof value === "string" && /^(headers|url|body|header:[\w!#$%&'*+.^`|~-]+)$/.test(value);
}

/** What listens at a port speaks in one way. */
function refuseMixedPorts(secrets: readonly ReadSecret[]): void {
  const schemes = new Map<number, SecretHost["scheme"]>();
  for (const { name, hosts } of secrets) {
    for (const { port, scheme } of hosts) {
      if ((schemes.get(port) ?? scheme) !== scheme) {
        throw invalid(`secrets.${name}`, `port ${port} is of HTTPS with one host, and of HTTP with another`);
      }
      schemes.set(port, scheme);
    }
  }
}
