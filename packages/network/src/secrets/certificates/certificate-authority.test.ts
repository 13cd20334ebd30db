import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findProgram } from "@orlop/kernel";
import { CertificateAuthority } from "./certificate-authority.ts";

describe("a certificate authority", () => {
  test("signs certificates of servers for their names, with keys of their own", () => {
    const authority = new CertificateAuthority("for a test");
    const root = new X509Certificate(authority.certificate);
    assert.ok(root.ca && root.verify(root.publicKey));
    const issued = ["api.example", `${"a".repeat(63)}.${"b".repeat(63)}.example`].map((name) => {
      const { cert, key } = authority.issue(name);
      const leaf = new X509Certificate(cert);
      assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey) && !leaf.ca);
      assert.equal(leaf.checkHost(name), name);
      assert.equal(leaf.checkHost("other.example"), undefined);
      assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
      assert.ok(leaf.validFromDate.getTime() < Date.now() && leaf.validToDate.getTime() > Date.now());
      return { leaf, key };
    });
    assert.equal(new Set([root, ...issued.map(({ leaf }) => leaf)].map(({ serialNumber }) => serialNumber)).size, 3);
    assert.equal(new Set(issued.map(({ key }) => key)).size, 2);
  });

  const noOpenssl = findProgram("openssl") === undefined && "needs openssl";
  test("is what strict verifiers take", { skip: noOpenssl }, () => {
    const directory = mkdtempSync(join(tmpdir(), "orlop-authority-"));
    try {
      const authority = new CertificateAuthority("for a test");
      const [root, leaf] = [join(directory, "root"), join(directory, "leaf")];
      writeFileSync(root, authority.certificate);
      writeFileSync(leaf, authority.issue("api.example").cert);
      const words = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "api.example"];
      const said = execFileSync("openssl", [...words, "-CAfile", root, leaf], { encoding: "utf8" });
      assert.equal(said, `${leaf}: OK\n`);
      const text = execFileSync("openssl", ["x509", "-in", leaf, "-noout", "-text"], { encoding: "utf8" });
      assert.match(text, /Signature Algorithm: ecdsa-with-SHA256[\s\S]*Key Usage: critical\s+Digital Signature\n/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
