import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import type { Variable } from "../../run/environment.ts";

/** Where a sandbox has the certificates that its programs are to trust. */
export const TRUST_DIRECTORY = "/run/orlop-trust";

const OWN = "own.crt";
const ALL = "all.crt";

/** By the programs and libraries that read them: some add what they are told to what they trust, others trust nothing else then. */
const VARIABLES: readonly (readonly [file: string, ...names: string[]])[] = [
  [OWN, "NODE_EXTRA_CA_CERTS", "DENO_CERT"],
  // OpenSSL, Go and rustls; requests; curl; git; pip; cargo; programs of AWS; gRPC.
  [ALL, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "CARGO_HTTP_CAINFO"],
  [ALL, "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"],
];

/**
 * Writes the certificate of an authority into a directory, alone and with all that this process trusts.
 *
 * @returns the variables that lead programs there, once the directory is at {@link TRUST_DIRECTORY}
 */
export function writeTrustFiles(directory: string, certificate: string): readonly Variable[] {
  const contents = { [OWN]: certificate, [ALL]: [certificate, ...getCACertificates("default")].map(ended).join("") };
  for (const [name, content] of Object.entries(contents))
    writeFileSync(join(directory, name), content, { mode: 0o644 });
  return VARIABLES.flatMap(([file, ...names]) => names.map((name) => ({ name, value: `${TRUST_DIRECTORY}/${file}` })));
}

function ended(certificate: string): string {
  return certificate.endsWith("\n") ? certificate : `${certificate}\n`;
}
