import { existsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import {
  type Credential,
  credentialsOfUser,
  hostsOfMachine,
  type MachineHostsOptions,
  type RegistryClientOptions,
} from "@orlop/image/registry";
import type { Flag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

const group = "Registry";

export const AUTHFILE_FLAG: Flag = {
  name: "authfile",
  value: "FILE",
  help: "Credentials are in this file, and in no other ($REGISTRY_AUTH_FILE; docker's config.json, then podman's auth.json)",
  group,
};

/** For every verb that speaks to a registry, with whatever credentials. */
export const LOGIN_FLAGS: readonly Flag[] = [
  AUTHFILE_FLAG,
  {
    name: "tls-verify",
    help: "Speak to registries over TLS, with good certificates (true; --tls-verify=false for any, and for plain HTTP)",
    group,
  },
  {
    name: "cert-dir",
    value: "DIR",
    help: "Certificates for the registry: *.crt of authorities, *.cert and *.key of ours",
    group,
  },
  {
    name: "hosts-dir",
    value: "DIR",
    help: "Directories as containerd's certs.d, with hosts.toml for each registry",
    group,
  },
];

/** How a registry is spoken to. */
export const REGISTRY_FLAGS: readonly Flag[] = [
  { name: "creds", value: "USER:PASSWORD", help: "Use these credentials instead of those that are kept", group },
  ...LOGIN_FLAGS,
];

/** For verbs with all of these flags. */
export function registryOptions(flags: ParsedFlags): RegistryClientOptions {
  const credential = flags.parse("creds", parseCredential);
  flags.parse("authfile", requireThere);
  return { ...connectionOptions(flags), ...(credential === undefined ? {} : { credential }) };
}

/** Who names what is not there would be told by the registry that nobody has logged in, or what else comes of it. */
function requireThere(path: string): string {
  if (!existsSync(path)) throw new OrlopError("not-found", `"${path}" is not there`);
  return path;
}

/** For verbs without `--creds`. */
export function connectionOptions(flags: ParsedFlags): RegistryClientOptions {
  const authFile = flags.text("authfile");
  const certDir = flags.parse("cert-dir", requireThere);
  const hostsDirs = flags.parseAll("hosts-dir", (list) => list.split(",").map(requireThere)).flat();
  return machineRegistryOptions(authFile === undefined ? {} : { authFile }, {
    insecure: flags.has("tls-verify") && !flags.isOn("tls-verify"),
    ...(certDir === undefined ? {} : { certDir }),
    ...(hostsDirs.length === 0 ? {} : { hostsDirs }),
  });
}

/** As this machine and its user are configured. */
export function machineRegistryOptions(
  files: { readonly authFile?: string } = {},
  hosts: MachineHostsOptions = {},
): RegistryClientOptions {
  return { credentials: credentialsOfUser(files), hosts: hostsOfMachine(hosts) };
}

function parseCredential(text: string): Credential {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new OrlopError("invalid", "it is not USER:PASSWORD");
  return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1) };
}
