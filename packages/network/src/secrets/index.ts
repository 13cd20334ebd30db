export { CertificateAuthority } from "./certificates/certificate-authority.ts";
export type { PlacedSecret, SecretPlace } from "./placed-secret.ts";
export { hostText, isHostAllowed, isSameHost, parseSecretHost, type SecretHost } from "./secret-host.ts";
export { SecretProxy } from "./secret-proxy.ts";
