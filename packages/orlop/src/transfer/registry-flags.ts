import type { RegistryClientOptions } from "@orlop/image";
import type { Flag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";

const group = "Registry";

/** How a registry is spoken to, for every verb that speaks to one. */
export const REGISTRY_FLAGS: readonly Flag[] = [
  {
    name: "tls-verify",
    help: "Speak to registries over TLS (true, but for those of this machine; --tls-verify=false for plain HTTP)",
    group,
  },
];

export function registryOptions(flags: ParsedFlags): RegistryClientOptions {
  return { plainHttp: flags.has("tls-verify") && !flags.isOn("tls-verify") };
}
