import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { MEDIA_TYPE_IMAGE_MANIFEST, parseReference } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { TestMirror } from "../debian/fixtures/test-mirror.ts";
import { OpenpgpSigner } from "../openpgp/openpgp-signer-fixture.ts";
import { FakeSource } from "../transfer/source-fixture.ts";
import { decodePolicy } from "./decode-policy.ts";
import { decodeRegistriesD } from "./decode-registries-d.ts";
import { type Lookaside, lookasideAt } from "./lookaside.ts";
import type { ImageOrigin, SignedIdentity } from "./policy.ts";
import { policyVerifier } from "./policy-verifier.ts";

const NOW = 1_750_000_000_000;
const NAME = "r.example.com/team/app:1";
const DIGEST = `sha256:${"a".repeat(64)}` as const;
const OTHER_DIGEST = `sha256:${"b".repeat(64)}` as const;
const reference = parseReference(NAME);
const key = new OpenpgpSigner();
const other = new OpenpgpSigner("rsa");

/** As containers-signature(5) has it. */
function payload(changes: object = {}, digest: string = DIGEST, name = NAME): Buffer {
  const critical = {
    type: "atomic container signature",
    image: { "docker-manifest-digest": digest },
    identity: { "docker-reference": name },
    ...changes,
  };
  return Buffer.from(JSON.stringify({ critical, optional: { creator: "a test", timestamp: 1 } }));
}

function lookasideOf(...messages: readonly Buffer[]): Lookaside {
  return { signatures: async (_, digest) => (digest === DIGEST ? messages : []) };
}

const KEY_DATA = { keyData: key.certificate().toString("base64") };

async function verify(
  lookaside: Lookaside,
  keys: object = KEY_DATA,
  { signedIdentity, digest = DIGEST }: { signedIdentity?: SignedIdentity; digest?: `sha256:${string}` } = {},
): Promise<void> {
  const requirement = { type: "signedBy", keyType: "GPGKeys", ...keys, ...(signedIdentity && { signedIdentity }) };
  const policy = decodePolicy("p.json", JSON.stringify({ default: [requirement] }));
  const origin: ImageOrigin = { transport: "docker", reference, open: () => new FakeSource() };
  const target = { mediaType: MEDIA_TYPE_IMAGE_MANIFEST, digest, size: 1 };
  const image = { name: NAME, target, manifests: async () => [target], source: new FakeSource() };
  await policyVerifier(policy, origin, { lookaside, now: NOW })(image);
}

suite("a policy that asks for signatures by GPG", () => {
  test("takes an image that one of the keys has signed", () =>
    withTemporaryDirectory(async (directory) => {
      await verify(lookasideOf(key.signedMessage(payload())));
      const paths = [other, key].map((each, index) => {
        const path = join(directory, `${index}.gpg`);
        writeFileSync(path, each.certificate());
        return path;
      });
      for (const keys of [{ keyPath: paths[1] }, { keyPaths: paths }])
        await verify(lookasideOf(other.signedMessage(payload({}, OTHER_DIGEST)), key.signedMessage(payload())), keys);
    }));

  test("refuses an image without a signature that counts, and says why", async () => {
    const refused = (lookaside: Lookaside, message: RegExp, keys?: object): Promise<void> =>
      assert.rejects(verify(lookaside, keys), { code: "denied", message });
    await refused(lookasideOf(), /the policy "p.json" asks for a signature, and it has none$/);
    await refused(lookasideOf(other.signedMessage(payload())), /: the key [0-9A-F]{16} is not there$/);
    await refused(lookasideOf(key.signedMessage(payload({}, OTHER_DIGEST))), /it was made for "sha256:b/);
    const elsewhere = key.signedMessage(payload({}, DIGEST, "r.example.com/team/other:1"));
    await refused(lookasideOf(elsewhere), /team\/other:1" \(matchRepoDigestOrExact\)$/);
    await refused(lookasideOf(key.signedMessage(payload({ type: "another" }))), /it is of type "another"/);
    await refused(lookasideOf(key.signedMessage(payload({ more: 1 }))), /has not the members type, image, identity/);
    await refused(lookasideOf(key.signedMessage(payload(), { hash: "sha1" })), /has the hash sha1/);
    await refused(lookasideOf(key.signedMessage(payload(), { type: 1 })), /is of type 1/);
    await refused(lookasideOf(Buffer.from("nothing")), /Cannot read OpenPGP data/);
    const changed = key.signedMessage(payload());
    changed[changed.indexOf("team")] = 0x54;
    await refused(lookasideOf(changed), /did not make this signature/);
    await assert.rejects(verify(lookasideOf(key.signedMessage(payload())), KEY_DATA, { digest: OTHER_DIGEST }), {
      message: /it has none$/,
    });
  });

  test("has the identity that it is told to have", async () => {
    const lookaside = lookasideOf(key.signedMessage(payload({}, DIGEST, "r.example.com/team/app:2")));
    await assert.rejects(verify(lookaside), { code: "denied" });
    await verify(lookaside, KEY_DATA, { signedIdentity: { type: "matchRepository" } });
  });

  test("refuses keys that are none", async () => {
    const lookaside = lookasideOf(key.signedMessage(payload()));
    const keys = (bytes: Buffer): object => ({ keyData: bytes.toString("base64") });
    await assert.rejects(verify(lookaside, keys(Buffer.from("no key"))), { code: "invalid", message: /"keyData"/ });
    await assert.rejects(verify(lookaside, { keyPath: "/missing.gpg" }), { code: "not-found" });
  });
});

suite("signatures apart from images", () => {
  async function found(text: string, otherwise = "file:///none"): Promise<readonly string[]> {
    const places = await decodeRegistriesD([{ name: "a.yaml", text }], otherwise);
    return (await lookasideAt(places).signatures(reference, DIGEST)).map(String);
  }

  test("are found where the closest scope says, in files and behind addresses", () =>
    withTemporaryDirectory(async (directory) => {
      await using server = await TestMirror.start();
      const path = (repository: string, number: number): string =>
        `${repository}@sha256=${"a".repeat(64)}/signature-${number}`;
      for (const [name, content] of [
        [`team/${path("app", 1)}`, "one"],
        [`team/${path("app", 2)}`, "two"],
        [`team/${path("app", 4)}`, "four"],
      ] as const) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), content);
      }
      server.files.set(`base/team/${path("app", 1)}`, Buffer.from("served"));
      const local = `file://${directory}`;
      assert.deepEqual(await found(`default-docker:\n  sigstore: ${local}/`), ["one", "two"]);
      assert.deepEqual(await found("", local), ["one", "two"]);
      const url = new URL("base", server.url).href;
      const scoped = [
        "docker:",
        `  r.example.com: {lookaside: "${local}"}`,
        `  r.example.com/team: {lookaside: "${url}", sigstore: "${local}"}`,
        "  r.example.com/team/app: {use-sigstore-attachments: true}",
        "default-docker:",
        "  lookaside: file:///none",
      ];
      assert.deepEqual(await found(scoped.join("\n")), ["served"]);
      server.files.set(`base/team/${path("app", 2)}`, { respond: (response) => void response.writeHead(403).end() });
      await assert.rejects(found(scoped.join("\n")), { code: "failed", message: /answers with 403/ });
    }));

  test("are looked for nowhere where the configuration is not understood", async () => {
    for (const [text, message] of [
      ["docker: [", /Cannot use configuration "a.yaml": it is no YAML/],
      ["a: &a [x]\ndocker: *a", /it is no YAML|is unknown/],
      ["docker:\n  x: {lookaside: 1}", /docker\["x"\]\.lookaside: it is no text/],
      ["docker:\n  x: {look: a}", /its member "look" is unknown/],
      ["default-docker: 1", /default-docker: it is no mapping/],
      ["other: 1", /its member "other" is unknown/],
      ["default-docker:\n  lookaside: a\ndefault-docker:\n  lookaside: b", /it is no YAML/],
      ["default-docker:\n  lookaside: ftp://x/", /no address with file, http or https/],
    ] as const) {
      await assert.rejects(found(text), { code: "invalid", message }, text);
    }
    const twice = ["docker: {x: {lookaside: a}}", "docker: {x: {lookaside: b}}"].map((text) => ({ name: "f", text }));
    await assert.rejects(decodeRegistriesD(twice, ""), { message: /docker\["x"\]: another file has it, too/ });
  });
});
