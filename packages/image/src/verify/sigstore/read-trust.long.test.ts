import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, suite, test } from "node:test";
import { certificatesObstacle, temporaryDirectory } from "@orlop/testkit";
import type { FoundSignature } from "../find-signatures.ts";
import type { KeySource, SigstoreTrust } from "../policy.ts";
import {
  AUTHORITY,
  afterEndOf,
  logEntryOf,
  type MadeCertificate,
  makeCertificate,
  SIGNER,
  signatureBy,
} from "./chain-fixture.ts";
import { readTrust } from "./read-trust.ts";

const obstacle = certificatesObstacle();
const directory = temporaryDirectory();
after(() => directory[Symbol.dispose]());

const EMAIL = "signer@example.com";
const ISSUER = "https://issuer.example.com";
/** The bare text, which openssl takes as bytes. */
const FULCIO = `1.3.6.1.4.1.57264.1.1=DER:${Buffer.from(ISSUER).toString("hex")}`;
const FULCIO_V2 = `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${ISSUER}`;
const SAN = "subjectAltName=critical,email:signer@example.com,DNS:build.example.com,DNS:*.wild.example.com";

const made = new Map<string, MadeCertificate>();

function make(
  name: string,
  issuer: MadeCertificate | undefined,
  extensions: readonly string[],
  more: object = {},
): MadeCertificate {
  const known =
    made.get(name) ??
    makeCertificate(directory.path, { name, ...(issuer && { issuer: issuer.name }), extensions, ...more });
  made.set(name, known);
  return known;
}

const pem = ({ certificate }: MadeCertificate): KeySource => ({ data: Buffer.from(certificate) });
const root = (): MadeCertificate => make("root", undefined, AUTHORITY);
const between = (): MadeCertificate =>
  make("between", root(), ["basicConstraints=critical,CA:TRUE,pathlen:0", ...AUTHORITY.slice(1)]);
const signer = (): MadeCertificate => make("signer", between(), [...SIGNER, SAN, FULCIO, FULCIO_V2]);

type Pki = Extract<SigstoreTrust, { kind: "pki" }>;

/** Why a signature does not count, if it does not. */
function check(
  found: FoundSignature,
  trust: Partial<Pki> = {},
  { now = Date.now() }: { readonly now?: number } = {},
): string | undefined {
  const whole: Pki = { kind: "pki", roots: pem(root()), subjectEmail: EMAIL, ...trust };
  return readTrust({ type: "sigstoreSigned", trust: whole, logKeys: [], signedIdentity: { type: "matchExact" } })(
    found,
    now,
  );
}

suite("a signature with a certificate of an authority", { skip: obstacle ?? false }, () => {
  const withChain = (): FoundSignature => ({
    ...signatureBy(signer()),
    chain: between().certificate + root().certificate,
  });

  test("counts where a chain leads to a root, whoever brings what is between", () => {
    assert.equal(check(withChain()), undefined);
    assert.equal(check(signatureBy(signer()), { intermediates: pem(between()) }), undefined);
    assert.match(String(check(signatureBy(signer()))), /no authority that is trusted has issued it/);
    const other = make("other", undefined, AUTHORITY);
    assert.match(String(check(withChain(), { roots: pem(other) })), /no authority that is trusted/);
    // Of the same name, and not the one.
    const impostor = makeCertificate(temporaryPlace(), { name: "root", extensions: AUTHORITY });
    assert.match(String(check(withChain(), { roots: pem(impostor) })), /no authority|has not signed it/);
  });

  test("counts for the subject that is asked for alone", () => {
    const { subjectEmail: _, ...hosts } = { subjectEmail: undefined, intermediates: pem(between()) };
    const found = signatureBy(signer());
    const of = (trust: Pick<Pki, "subjectEmail" | "subjectHostname">): string | undefined => {
      const whole: Pki = { kind: "pki", roots: pem(root()), ...hosts, ...trust };
      const requirement = { type: "sigstoreSigned", logKeys: [], signedIdentity: { type: "matchExact" } } as const;
      return readTrust({ ...requirement, trust: whole })(found, Date.now());
    };
    assert.equal(of({ subjectEmail: EMAIL, subjectHostname: "build.example.com" }), undefined);
    assert.equal(of({ subjectHostname: "a.wild.example.com" }), undefined);
    assert.match(String(of({ subjectEmail: "other@example.com" })), /it is not of "other@example.com"/);
    assert.match(String(of({ subjectEmail: EMAIL.toUpperCase() })), /it is not of/);
    assert.match(String(of({ subjectHostname: "example.com" })), /it is not of "example.com"/);
    assert.match(String(of({ subjectHostname: "signer" })), /it is not of "signer"/);
  });

  test("counts with the key of the certificate alone, while that is valid", () => {
    const found = withChain();
    assert.match(
      String(check({ ...found, payload: Buffer.from("other") })),
      /not made with the key of its certificate/,
    );
    assert.match(String(check(found, {}, { now: afterEndOf(signer()) })), /it was not valid/);
    assert.match(String(check(found, {}, { now: 0 })), /at 1970-01-01T00:00:00.000Z it was not valid/);
    const { certificate, ...bare } = found;
    assert.match(String(check(bare)), /without a certificate/);
    assert.match(String(check({ ...found, certificate: `${certificate}${certificate}` })), /several certificates/);
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert.throws(() => check({ ...bare, certificate: broken }), { code: "invalid", message: /it is no certificate/ });
  });

  const refused: readonly (readonly [what: string, by: () => MadeCertificate, message: RegExp])[] = [
    [
      "for servers",
      () => make("server", root(), [SIGNER[0] ?? "", "extendedKeyUsage=serverAuth", SAN]),
      /not for signing code/,
    ],
    [
      "whose key is not for signatures",
      () => make("agreer", root(), ["keyUsage=keyAgreement", SAN]),
      /not for signatures/,
    ],
    [
      "by one who is no authority",
      () => make("child", make("leaf", root(), [SIGNER[1] ?? "", SAN]), [...SIGNER, SAN]),
      /"CN=leaf" will not do: it is no authority/,
    ],
    [
      "with more authorities above than the uppermost allows",
      () => make("deep", make("inner", between(), AUTHORITY), [...SIGNER, SAN]),
      /there are too many below it/,
    ],
    [
      "with an extension that has to be understood",
      () => make("strange", root(), [...SIGNER, SAN, "1.2.3.4=critical,DER:0500"]),
      /its extension 1.2.3.4 is not supported/,
    ],
    [
      "of an authority with constraints on names",
      () =>
        make("bound-signer", make("bound", root(), [...AUTHORITY, "nameConstraints=permitted;email:example.org"]), [
          ...SIGNER,
          SAN,
        ]),
      /its extension 2.5.29.30 is not supported/,
    ],
    [
      "by SHA-1",
      () => make("old", root(), [...SIGNER, SAN], { hash: "sha1" }),
      /its signature by 1\.2\.840\.10045\.4\.1 /,
    ],
  ];
  for (const [what, by, message] of refused) {
    test(`does not count with a certificate ${what}`, () => {
      const found = signatureBy(by());
      const chain = [...made.values()].map(({ certificate }) => certificate);
      // Of more than sixteen nobody looks at any.
      assert.match(String(check({ ...found, chain: chain.slice(0, 16).join("") })), message);
    });
  }

  test("does not count with a key that is short", () => {
    const short = make("short", root(), [...SIGNER, SAN], { newKey: ["rsa:1024"] });
    assert.throws(() => check(signatureBy(short)), { code: "invalid", message: /1024 bits, and 2048 are needed/ });
  });
});

const places: Disposable[] = [];
after(() => {
  for (const place of places) place[Symbol.dispose]();
});

function temporaryPlace(): string {
  const place = temporaryDirectory();
  places.push(place);
  return place.path;
}

suite("a signature that stands in a log", { skip: obstacle ?? false }, () => {
  const log = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const logKey: KeySource = { data: Buffer.from(log.publicKey.export({ type: "spki", format: "pem" }).toString()) };
  const requirement = { type: "sigstoreSigned", signedIdentity: { type: "matchExact" } } as const;

  const fulcio = (found: FoundSignature, trust: object = {}, now = Date.now()): string | undefined => {
    const whole = { kind: "fulcio", roots: pem(root()), oidcIssuer: ISSUER, subjectEmail: EMAIL, ...trust } as const;
    return readTrust({ ...requirement, trust: whole, logKeys: [logKey] })(found, now);
  };
  const logged = (more: object = {}): FoundSignature => {
    const found = { ...signatureBy(signer()), chain: between().certificate };
    return { ...found, logEntry: logEntryOf(found, { log: log.privateKey, ...more }) };
  };

  test("counts when its certificate was valid at that time, for one whom the issuer knows", () => {
    assert.equal(fulcio(logged(), {}, afterEndOf(signer())), undefined);
    const late = logged({ time: afterEndOf(signer()) / 1000 });
    assert.match(String(fulcio(late)), /it was not valid/);
    assert.match(String(fulcio(logged(), { oidcIssuer: "https://other" })), /it names the issuer "https:\/\/issuer/);
    assert.match(String(fulcio(logged(), { subjectEmail: "other@example.com" })), /it is not of "other@/);
    const unknown = signatureBy(make("unknown", root(), [...SIGNER, SAN]));
    const entry = logEntryOf(unknown, { log: log.privateKey });
    assert.match(String(fulcio({ ...unknown, logEntry: entry })), /it names the issuer ""/);
    const torn = signatureBy(make("torn", root(), [...SIGNER, SAN, FULCIO, FULCIO_V2.replace("issuer.", "")]));
    assert.match(
      String(fulcio({ ...torn, logEntry: logEntryOf(torn, { log: log.privateKey }) })),
      /it names the issuer/,
    );
  });

  test("does not count without an entry that a known log has signed", () => {
    const { logEntry: _, ...bare } = logged();
    assert.match(String(fulcio(bare)), /it stands in no log/);
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    assert.throws(() => fulcio(logged({ log: other.privateKey })), { message: /no known log has signed it/ });
    const entry = String(logged().logEntry);
    const later = entry.replace(/"integratedTime":(\d+)/, (_all, time) => `"integratedTime":${Number(time) + 1}`);
    assert.throws(() => fulcio({ ...bare, logEntry: later }), { message: /no known log has signed it/ });
    assert.throws(() => fulcio({ ...bare, logEntry: "{}" }), { message: /has not the members SignedEntryTimestamp/ });
    assert.throws(() => fulcio({ ...bare, logEntry: "{" }), { code: "invalid" });
  });

  test("does not count with an entry of something else", () => {
    const found = logged();
    const swapped = { ...signatureBy(signer(), Buffer.from("other")), chain: between().certificate };
    const entry = (of: FoundSignature, more: object = {}): string => logEntryOf(of, { log: log.privateKey, ...more });
    assert.throws(() => fulcio({ ...found, logEntry: entry(swapped) }), { message: /it is of something else/ });
    const again = { ...signatureBy(signer()), chain: between().certificate };
    assert.throws(() => fulcio({ ...found, logEntry: entry(again) }), { message: /it is of another signature/ });
    const maker = root().certificate;
    assert.throws(() => fulcio({ ...found, logEntry: entry(found, { maker }) }), { message: /it is of another key/ });
    const kind = (members: object): object => ({ ...members, kind: "rekord" });
    assert.throws(() => fulcio({ ...found, logEntry: entry(found, { body: kind }) }), {
      message: /of kind rekord 0.0.1/,
    });
  });

  test("is asked for with keys, too, where a policy names a log", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = key.publicKey.export({ type: "spki", format: "pem" }).toString();
    const trust = { kind: "keys", keys: [{ data: Buffer.from(spki) }] } as const;
    const ask = readTrust({ ...requirement, trust, logKeys: [logKey] });
    const { certificate: _, ...found } = signatureBy({ certificate: "", key: key.privateKey });
    assert.match(String(ask(found, 0)), /it stands in no log/);
    const entry = logEntryOf(found, { log: log.privateKey, maker: spki });
    assert.equal(ask({ ...found, logEntry: entry }, 0), undefined);
    const other = logEntryOf(found, { log: log.privateKey, maker: signer().certificate });
    assert.throws(() => ask({ ...found, logEntry: other }, 0), { message: /it is of another key/ });
  });

  test("is of no log whose key is none of ECDSA", () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const data = Buffer.from(publicKey.export({ type: "spki", format: "pem" }).toString());
    const trust = { kind: "keys", keys: [logKey] } as const;
    assert.throws(() => readTrust({ ...requirement, trust, logKeys: [{ data }] }), {
      message: /a log signs with ECDSA/,
    });
  });
});
