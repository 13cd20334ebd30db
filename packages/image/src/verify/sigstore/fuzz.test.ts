import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { readCertificates } from "./certificate.ts";
import { chainProblem } from "./certificate-chain.ts";
import { readLogEntry } from "./log-entry.ts";
import { readDer } from "./read-der.ts";

const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000);

/** The same numbers for the same seed (xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** An authority on P-256 with constraints, usages and names, by openssl. */
const CERTIFICATE = Buffer.from(
  [
    "MIIB6DCCAY6gAwIBAgIUbAI3wumg0S69uA7dpE/w/RlhCL8wCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjgx",
    "NzM2NTlaGA8yMTI2MTEwNDE3MzY1OVowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMV74/PJ+gv5",
    "yQP/RmW/nNsz5bZLvU3vNHqsPvOmqNPw7G1KV+4eLTm4LA2cVkuRfaDMPG69PYTERK4un7fne8KjgcUwgcIwHQYDVR0OBBYEFIv+",
    "ZRq4/c/rDQJMH3svWsIY5BHVMB8GA1UdIwQYMBaAFIv+ZRq4/c/rDQJMH3svWsIY5BHVMCcGA1UdEQQgMB6BDWFAZXhhbXBsZS5j",
    "b22CDWIuZXhhbXBsZS5jb20wDgYDVR0PAQH/BAQDAgKEMBMGA1UdJQQMMAoGCCsGAQUFBwMDMBIGA1UdEwEB/wQIMAYBAf8CAQEw",
    "HgYKKwYBBAGDvzABCAQQDA5odHRwczovL2lzc3VlcjAKBggqhkjOPQQDAgNIADBFAiEA4s9wzULLmv+C8BoHyERP/OIMT7ZFAv2v",
    "E8tjnSApvM0CIGMpnbo7wPdw9CUSd73Xu6MBqjx22lEpsfYGDMJpKRbP",
  ].join(""),
  "base64",
);

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(original);
  for (let count = 1 + random(4); count > 0; count--) bytes[random(bytes.length)] = random(256);
  return random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

function pemOf(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

test("of certificates that are none nothing comes but an error that says so", () => {
  assert.equal(readCertificates("whole", pemOf(CERTIFICATE)).length, 1);
  for (let run = 0; run < RUNS; run++) {
    try {
      const [leaf] = readCertificates("mutated", pemOf(mutate(CERTIFICATE, randomFrom(run))));
      assert.ok(leaf !== undefined);
      chainProblem(leaf, { roots: [leaf], between: [leaf], at: Date.now() });
    } catch (error) {
      assert.ok(error instanceof OrlopError && error.code === "invalid", `run ${run}: ${error}`);
    }
  }
});

test("of bytes that are no DER nothing comes but a RangeError", () => {
  for (let run = 0; run < RUNS; run++) {
    try {
      readDer(mutate(CERTIFICATE, randomFrom(run)));
    } catch (error) {
      assert.ok(error instanceof RangeError, `run ${run}: ${error}`);
    }
  }
});

test("of entries of logs that are none nothing comes but an error that says so", () => {
  const Payload = { body: "e30=", integratedTime: 1, logID: "ab", logIndex: 1 };
  const text = Buffer.from(JSON.stringify({ SignedEntryTimestamp: "e30=", Payload }));
  const key = { der: Buffer.alloc(0), kind: "ec", verifies: () => true } as const;
  const logged = { payload: text, signature: text, maker: text };
  for (let run = 0; run < RUNS; run++) {
    const entry = mutate(text, randomFrom(run)).toString("latin1");
    assert.throws(() => readLogEntry(entry, [key], logged), { name: "OrlopError", code: "invalid" }, `run ${run}`);
  }
});
