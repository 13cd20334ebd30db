import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FoundSignature } from "../find-signatures.ts";

export interface MadeCertificate {
  readonly name: string;
  /** In PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

interface CertificateRequest {
  readonly name: string;
  /** Absent: by itself. */
  readonly issuer?: string;
  /** As openssl's configuration has them, one in each line. */
  readonly extensions: readonly string[];
  /** Arguments of openssl that make its key; absent: of ECDSA on P-256. */
  readonly newKey?: readonly string[];
  readonly hash?: string;
}

export const AUTHORITY: readonly string[] = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
export const SIGNER: readonly string[] = ["keyUsage=critical,digitalSignature", "extendedKeyUsage=codeSigning"];
const ECDSA: readonly string[] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/** A certificate by openssl, whose files stay in the directory for those that it issues. */
export function makeCertificate(
  directory: string,
  { name, issuer = name, extensions, newKey = ECDSA, hash = "sha256" }: CertificateRequest,
): MadeCertificate {
  const at = (file: string): string => join(directory, file);
  const openssl = (...args: readonly string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  openssl(
    "req",
    "-newkey",
    ...newKey,
    "-nodes",
    "-keyout",
    at(`${name}.key`),
    "-out",
    at(`${name}.csr`),
    "-subj",
    `/CN=${name}`,
  );
  writeFileSync(at(`${name}.ext`), `${extensions.join("\n")}\n`);
  const by =
    issuer === name ? ["-signkey", at(`${name}.key`)] : ["-CA", at(`${issuer}.crt`), "-CAkey", at(`${issuer}.key`)];
  const serial = issuer === name ? [] : ["-CAcreateserial"];
  const made = [
    "-extfile",
    at(`${name}.ext`),
    "-days",
    "2",
    `-${hash}`,
    "-in",
    at(`${name}.csr`),
    "-out",
    at(`${name}.crt`),
  ];
  openssl("x509", "-req", ...by, ...serial, ...made);
  return {
    name,
    certificate: readFileSync(at(`${name}.crt`), "utf8"),
    key: createPrivateKey(readFileSync(at(`${name}.key`))),
  };
}

/** A signature as it is found, with a certificate. */
export function signatureBy(
  { certificate, key }: Pick<MadeCertificate, "certificate" | "key">,
  payload: Buffer = Buffer.from("payload"),
): FoundSignature {
  return { payload, certificate, signature: sign("sha256", payload, key) };
}

interface LogEntryOptions {
  readonly log: KeyObject;
  /** Seconds since 1970. */
  readonly time?: number;
  /** Absent: the certificate. */
  readonly maker?: string;
  readonly body?: (members: object) => object;
}

/** What a log gives for a signature, as cosign puts it beside that. */
export function logEntryOf(
  { payload, signature, certificate = "" }: FoundSignature,
  {
    log,
    time = Math.floor(Date.now() / 1000),
    maker = certificate,
    body: change = (members) => members,
  }: LogEntryOptions,
): string {
  const members = {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: createHash("sha256").update(payload).digest("hex") } },
      signature: {
        content: signature.toString("base64"),
        publicKey: { content: Buffer.from(maker).toString("base64") },
      },
    },
  };
  const body = Buffer.from(JSON.stringify(change(members))).toString("base64");
  const Payload = { body, integratedTime: time, logID: "ab12", logIndex: 7 };
  // These names are in the order of the canonical form already.
  const stamp = sign("sha256", Buffer.from(JSON.stringify(Payload)), log);
  const { logIndex, ...rest } = Payload;
  return JSON.stringify({ SignedEntryTimestamp: stamp.toString("base64"), Payload: { logIndex, ...rest } });
}

/** Milliseconds since 1970 of a moment at which a certificate is valid no more. */
export function afterEndOf({ certificate }: MadeCertificate): number {
  return new X509Certificate(certificate).validToDate.getTime() + 1000;
}
