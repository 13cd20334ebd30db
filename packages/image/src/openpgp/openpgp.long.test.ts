import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { readClearSigned } from "./clear-signed.ts";
import { readKeyring } from "./keyring.ts";
import { OpenpgpSigner, packet } from "./openpgp-signer-fixture.ts";
import { readPackets } from "./read-packets.ts";
import { SIGNATURE_TEXT } from "./signature.ts";
import { checkSignatures } from "./verify-signatures.ts";

const NOW = 1_750_000_000;
const TEXT = "Origin: Test\n- a line with a dash  \n-----BEGIN PGP SIGNATURE-----\n\nthe end\n";

const rsa = new OpenpgpSigner("rsa");
const eddsa = new OpenpgpSigner("ed25519");

interface Checked {
  readonly good: readonly string[];
  readonly problems: readonly string[];
}

function check(message: string, keyring: Buffer, now = NOW): Checked {
  const { signed, signatures } = readClearSigned(Buffer.from(message, "latin1"));
  const { good, problems } = checkSignatures(readPackets(signatures), signed, {
    keys: readKeyring(keyring),
    type: SIGNATURE_TEXT,
    now,
  });
  return { good: good.map(({ signer }) => signer), problems };
}

/** None where it is refused as a whole. */
function goodOf(message: string, keyring: Buffer): readonly string[] {
  try {
    return check(message, keyring).good;
  } catch (error) {
    assert.ok(error instanceof OrlopError, String(error));
    return [];
  }
}

for (const [name, signer] of [
  ["RSA", rsa],
  ["Ed25519", eddsa],
] as const) {
  test(`finds a signature of ${name} good, and gives the text that was signed`, () => {
    const message = signer.clearSigned(TEXT);
    assert.deepEqual(check(message, signer.certificate()), { good: [signer.fingerprint], problems: [] });
    assert.equal(readClearSigned(Buffer.from(message)).text, TEXT.replaceAll(/ +$/gm, ""));
  });

  test(`finds no signature of ${name} good when a single bit is another`, () => {
    const message = Buffer.from(signer.clearSigned(TEXT), "latin1");
    for (let at = message.indexOf("Origin"); at < message.indexOf("\n-----BEGIN PGP SIGNATURE"); at++) {
      const changed = Buffer.from(message);
      changed[at] = (changed[at] ?? 0) ^ 4;
      assert.deepEqual(goodOf(changed.toString("latin1"), signer.certificate()), [], `byte ${at}`);
    }
  });
}

test("finds no signature good of a key that is not there", () => {
  const { good, problems } = check(eddsa.clearSigned(TEXT), rsa.certificate());
  assert.deepEqual(good, []);
  assert.deepEqual(problems, [`the key ${eddsa.fingerprint.slice(-16)} is not there`]);
});

test("takes a keyring with several keys, in armor, too", () => {
  const all = Buffer.concat([rsa.certificate(), eddsa.certificate()]);
  const armor = `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${all.toString("base64")}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  assert.deepEqual(check(eddsa.clearSigned(TEXT), Buffer.from(armor)).good, [eddsa.fingerprint]);
});

test("finds no signature good that nobody can trust: SHA-1, of the future, expired, of another type", () => {
  const day = 24 * 60 * 60;
  const after = (seconds: number): Buffer => Buffer.from([0, 0, seconds >> 8, seconds & 0xff]);
  for (const [fields, problem] of [
    [{ hash: "sha1" }, "a signature has the hash sha1"],
    [{ created: NOW + 2 * day }, "a signature is of the future"],
    [{ subpackets: [[3, after(1000)]] }, "a signature has expired"],
    [{ subpackets: [[20 | 0x80, Buffer.alloc(8)]] }, "a signature asks for what is not known"],
    [{ type: 0 }, "a signature is of type 0"],
  ] as const) {
    assert.deepEqual(check(eddsa.clearSigned(TEXT, fields), eddsa.certificate()), { good: [], problems: [problem] });
  }
});

test("finds no signature good of a key that has expired, is revoked, or is not for signing", () => {
  const expiring = eddsa.certificate([[9, Buffer.from([0, 0, 1, 0])]]);
  const certifying = eddsa.certificate([[27, Buffer.from([0x01])]]);
  const [key, ...rest] = [
    eddsa.certificate().subarray(0, 5 + eddsa.body.length),
    eddsa.certificate().subarray(5 + eddsa.body.length),
  ];
  const revoked = Buffer.concat([key ?? Buffer.alloc(0), eddsa.signature(eddsa.framed, { type: 0x20 }), ...rest]);
  for (const [keyring, problem] of [
    [expiring, "has expired"],
    [certifying, "is not for signing"],
    [revoked, "is revoked"],
  ] as const) {
    const { good, problems } = check(eddsa.clearSigned(TEXT), keyring);
    assert.deepEqual({ good, problems }, { good: [], problems: [`the key ${eddsa.fingerprint} ${problem}`] });
  }
});

test("takes a subkey only where the two keys say so of each other", () => {
  const signed = Buffer.concat([rsa.framed, eddsa.framed]);
  const back = eddsa.signature(signed, { type: 0x19 }).subarray(5);
  const binding = (subpackets: readonly (readonly [number, Buffer])[], by: OpenpgpSigner = rsa): Buffer =>
    Buffer.concat([rsa.certificate(), packet(14, eddsa.body), by.signature(signed, { type: 0x18, subpackets })]);
  const flags = [27, Buffer.from([0x02])] as const;
  assert.deepEqual(check(eddsa.clearSigned(TEXT), binding([flags, [32, back]])).good, [eddsa.fingerprint]);
  assert.deepEqual(check(eddsa.clearSigned(TEXT), binding([flags])).good, []);
  assert.deepEqual(check(eddsa.clearSigned(TEXT), binding([flags, [32, back]], new OpenpgpSigner())).good, []);
  const revoked = Buffer.concat([binding([flags, [32, back]]), rsa.signature(signed, { type: 0x28 })]);
  assert.deepEqual(check(eddsa.clearSigned(TEXT), revoked).good, []);
});

test("refuses a signed text with anything in front, behind or in its headers", () => {
  const message = eddsa.clearSigned(TEXT);
  for (const changed of [
    `Evil: yes\n${message}`,
    `${message}Evil: yes\n`,
    message.replace("Hash: SHA256", "Evil: yes"),
    message.replace("\n\n", "\n"),
    message.replace("- - a line", "- a line").replace("- -----BEGIN", "-----BEGIN"),
    message.slice(0, -40),
    "",
  ]) {
    assert.deepEqual(goodOf(changed, eddsa.certificate()), [], changed.slice(0, 60));
  }
});

test("has nothing to say of random bytes but that they are no keys and no signatures", () => {
  const keyring = Buffer.concat([rsa.certificate(), eddsa.certificate()]);
  const message = Buffer.from(eddsa.clearSigned(TEXT));
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const spoilt = (bytes: Buffer): Buffer => {
    const changed = Buffer.from(bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length));
    for (let count = 1 + random(3); count > 0 && changed.length > 0; count--)
      changed[random(changed.length)] = random(256);
    return changed;
  };
  for (let round = 0; round < Number(process.env.ORLOP_FUZZ_RUNS ?? 300); round++) {
    try {
      if (random(2) === 0) check(message.toString("latin1"), spoilt(keyring));
      else check(spoilt(message).toString("latin1"), keyring);
    } catch (error) {
      assert.ok(error instanceof OrlopError, String(error));
    }
  }
});

test("says of signatures what gpgv says", async (context) => {
  if (spawnSync("gpgv", ["--version"]).error !== undefined) {
    context.skip("there is no gpgv");
    return;
  }
  await withTemporaryDirectory(async (directory) => {
    const keyring = join(directory, "keyring.gpg");
    const all = Buffer.concat([rsa.certificate(), eddsa.certificate()]);
    writeFileSync(keyring, all);
    const messages = [
      rsa.clearSigned(TEXT),
      eddsa.clearSigned(TEXT),
      eddsa.clearSigned(TEXT, { hash: "sha512" }),
      new OpenpgpSigner().clearSigned(TEXT),
      eddsa.clearSigned(TEXT).replace("the end", "the End"),
      rsa.clearSigned(TEXT).replace("Origin: Test", "Origin: Test \t"),
    ];
    for (const message of messages) {
      const { status } = spawnSync("gpgv", ["--keyring", keyring, "-"], { input: message });
      assert.equal(check(message, all).good.length > 0, status === 0, message);
    }
  });
});

test("reads the keys and signatures that gpg makes", async (context) => {
  if (spawnSync("gpg", ["--version"]).error !== undefined) {
    context.skip("there is no gpg");
    return;
  }
  await withTemporaryDirectory(async (home) => {
    const gpg = (args: readonly string[], input = ""): Buffer =>
      execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...args], {
        input,
        stdio: "pipe",
      });
    try {
      gpg(["--quick-generate-key", "Test <test@example.org>", "ed25519", "sign", "0"]);
      const message = gpg(["--clearsign"], TEXT).toString();
      assert.equal(check(message, gpg(["--export"]), Date.now() / 1000).good.length, 1);
      assert.equal(check(message, gpg(["--export", "--armor"]), Date.now() / 1000).good.length, 1);
    } finally {
      // It would outlive us.
      spawnSync("gpgconf", ["--homedir", home, "--kill", "all"]);
    }
  });
});
