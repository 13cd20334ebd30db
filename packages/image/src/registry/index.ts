export type { Credential } from "./credentials/credential.ts";
export { credentialFiles } from "./credentials/credential-files.ts";
export { credentialsOfUser } from "./credentials/find-credential.ts";
export {
  eraseAllCredentials,
  eraseCredential,
  type StoredWhere,
  storeCredential,
} from "./credentials/store-credential.ts";
export { type HostFinder, hostsOfMachine, type MachineHostsOptions } from "./hosts/hosts-of-machine.ts";
export { type RegistriesConf, readRegistriesConf } from "./hosts/registries-conf.ts";
export { resolveShortName } from "./hosts/short-name.ts";
export type { RegistryLimits } from "./limits.ts";
export { mountSources } from "./mount-sources.ts";
export { RegistryClient, type RegistryClientOptions } from "./registry-client.ts";
export { RegistrySink, type RegistrySinkOptions } from "./registry-sink.ts";
export { RegistrySource } from "./registry-source.ts";
