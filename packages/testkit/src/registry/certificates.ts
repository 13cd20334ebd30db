import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "../temporary-directory.ts";

/** In PEM. */
export interface CertificateWithKey {
  readonly certificate: string;
  readonly key: string;
}

export interface TestCertificates {
  /** The authority that has signed the other two. */
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly server: CertificateWithKey;
  readonly client: CertificateWithKey;
}

/** Why there can be no certificates here, or undefined when there can. For `t.skip`. */
export function certificatesObstacle(): string | undefined {
  const found = spawnSync("openssl", ["version"], { stdio: "ignore" });
  return found.status === 0 ? undefined : "needs openssl (apt-get install openssl)";
}

/** An authority of its own with a certificate for a server on this machine, and one for a client. */
export function makeCertificates(): TestCertificates {
  using directory = temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-days",
    "2",
    "-subj",
    "/CN=test CA",
  );
  writeFileSync(at("server.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  writeFileSync(at("client.ext"), "extendedKeyUsage=clientAuth\n");
  for (const name of ["server", "client"]) {
    openssl("req", ...newKey, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`), "-subj", `/CN=${name}`);
    const signing = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
    const extensions = ["-extfile", at(`${name}.ext`)];
    openssl("x509", "-req", "-in", at(`${name}.csr`), "-out", at(`${name}.crt`), ...signing, ...extensions);
  }
  const pair = (name: string): CertificateWithKey => ({
    certificate: readFileSync(at(`${name}.crt`), "utf8"),
    key: readFileSync(at(`${name}.key`), "utf8"),
  });
  return { ca: readFileSync(at("ca.crt"), "utf8"), server: pair("server"), client: pair("client") };
}

function openssl(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new OrlopError("failed", `Cannot make certificate: ${stderr || error?.message}`);
}
