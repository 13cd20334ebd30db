import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type Descriptor,
  formatReference,
  type ImageSource,
  MEDIA_TYPE_IMAGE_INDEX,
  type Platform,
  parseReference,
  type Reference,
} from "@orlop/core";
import { certificatesObstacle, DockerRegistry, dockerRegistryObstacle, temporaryDirectory } from "@orlop/testkit";
import { describeBytes, pushImage, someBytes } from "../registry/fixture-blobs-fixture.ts";
import { RegistryClient } from "../registry/registry-client.ts";
import { FakeDepot } from "../transfer/depot-fixture.ts";
import { pullImage } from "../transfer/pull-image.ts";
import { decodePolicy } from "./decode-policy.ts";
import {
  ANNOTATION_CERTIFICATE,
  ANNOTATION_CHAIN,
  ANNOTATION_LOG_ENTRY,
  ARTIFACT_TYPE_SIGNATURE,
} from "./find-signatures.ts";
import type { SignedIdentity } from "./policy.ts";
import { policyVerifier } from "./policy-verifier.ts";
import { putSignatures, type SignatureContent, signatureTag } from "./signature-fixture.ts";
import { AUTHORITY, logEntryOf, makeCertificate, SIGNER } from "./sigstore/chain-fixture.ts";

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const KEYS: Readonly<Record<string, KeyPair>> = {
  "ECDSA on P-256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ECDSA on P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
  Ed25519: generateKeyPairSync("ed25519"),
  RSA: generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const [KEY, OTHER] = Object.values(KEYS) as [KeyPair, KeyPair];

function pemOf({ publicKey }: KeyPair): string {
  return publicKey.export({ type: "spki", format: "pem" }).toString();
}

const obstacle = dockerRegistryObstacle();

describe("a policy that asks for signatures", { skip: obstacle ?? false }, () => {
  let registry: DockerRegistry;
  let client: RegistryClient;
  let images = 0;

  before(async () => {
    registry = await DockerRegistry.start();
    client = new RegistryClient();
  });

  after(async () => {
    client?.[Symbol.dispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  /** An image that nobody has signed. */
  async function push(): Promise<{ readonly reference: Reference; readonly target: Descriptor }> {
    const reference = parseReference(`${registry.host}/app${images++}:1`);
    const { target } = await pushImage(client.sink(reference), [someBytes(100)]);
    return { reference, target };
  }

  async function sign(
    reference: Reference,
    target: Descriptor,
    more: readonly Partial<SignatureContent>[],
  ): Promise<void> {
    const { registry: host, repository } = reference;
    const sink = client.sink({ registry: host, repository, tag: signatureTag(target.digest) });
    const content = { key: KEY.privateKey, reference: formatReference(reference), digest: target.digest };
    await putSignatures(
      sink,
      more.map((each) => ({ ...content, ...each })),
    );
  }

  interface PullOptions {
    readonly keys?: object;
    readonly signedIdentity?: SignedIdentity;
    readonly source?: (source: ImageSource) => ImageSource;
    readonly platform?: Platform;
  }

  /** What is named afterwards. */
  async function pull(
    reference: Reference,
    {
      keys = { keyData: Buffer.from(pemOf(KEY)).toString("base64") },
      signedIdentity,
      source = (each) => each,
      platform,
    }: PullOptions = {},
  ): Promise<readonly string[]> {
    const requirement = {
      type: "sigstoreSigned",
      ...keys,
      ...(signedIdentity === undefined ? {} : { signedIdentity }),
    };
    const policy = decodePolicy(
      "p.json",
      JSON.stringify({ default: [{ type: "reject" }], transports: { docker: { [registry.host]: [requirement] } } }),
    );
    const depot = new FakeDepot();
    await using opened = source(client.source(reference));
    const [image] = await opened.images();
    assert.ok(image !== undefined);
    const verifier = policyVerifier(policy, { transport: "docker", reference, open: (each) => client.source(each) });
    try {
      await pullImage(opened, depot, image, { verifiers: [verifier], ...(platform && { platform }) });
    } catch (error) {
      assert.equal(depot.images.records.size, 0);
      assert.equal(depot.content.blobs.size, 0);
      assert.equal(depot.leases.held.size, 0);
      throw error;
    }
    return [...depot.images.records.keys()];
  }

  test("refuses an image without one, and brings nothing of it", async () => {
    const { reference } = await push();
    await assert.rejects(pull(reference), {
      code: "denied",
      message: `Cannot use image "${formatReference(reference)}": the policy "p.json" asks for a signature, and it has none`,
    });
  });

  for (const [name, pair] of Object.entries(KEYS)) {
    test(`takes an image that was signed with a key of ${name}`, async () => {
      const { reference, target } = await push();
      await sign(reference, target, [{ key: pair.privateKey }]);
      const keys = { keyData: Buffer.from(pemOf(pair)).toString("base64") };
      assert.deepEqual(await pull(reference, { keys }), [formatReference(reference)]);
    });
  }

  test("takes an image that was signed with a certificate of Fulcio's, and stands in a log", async (t) => {
    const missing = certificatesObstacle();
    if (missing !== undefined) return t.skip(missing);
    using directory = temporaryDirectory();
    const root = makeCertificate(directory.path, { name: "root", extensions: AUTHORITY });
    const issuer = Buffer.from("https://issuer").toString("hex");
    const extensions = [...SIGNER, "subjectAltName=email:a@example.com", `1.3.6.1.4.1.57264.1.1=DER:${issuer}`];
    const { key, certificate } = makeCertificate(directory.path, { name: "signer", issuer: "root", extensions });
    const { reference, target } = await push();
    const beside: SignatureContent["beside"] = (found) => ({
      [ANNOTATION_CERTIFICATE]: certificate,
      [ANNOTATION_CHAIN]: root.certificate,
      [ANNOTATION_LOG_ENTRY]: logEntryOf({ ...found, certificate }, { log: OTHER.privateKey }),
    });
    const trusted = {
      fulcio: {
        caData: Buffer.from(root.certificate).toString("base64"),
        oidcIssuer: "https://issuer",
        subjectEmail: "a@example.com",
      },
      rekorPublicKeyData: Buffer.from(pemOf(OTHER)).toString("base64"),
    };
    await sign(reference, target, [{ key }]);
    await assert.rejects(pull(reference, { keys: trusted }), { code: "denied", message: /without a certificate/ });
    await sign(reference, target, [{ key, beside }]);
    assert.deepEqual(await pull(reference, { keys: trusted }), [formatReference(reference)]);
  });

  test("takes any of several signatures, and any of several keys", async () => {
    const { reference, target } = await push();
    await sign(reference, target, [{ key: OTHER.privateKey }, { reference: "other.example/app:1" }, {}]);
    using directory = temporaryDirectory();
    const paths = [KEYS.RSA as KeyPair, KEY].map((pair, index) => {
      const path = join(directory.path, `${index}.pub`);
      writeFileSync(path, pemOf(pair));
      return path;
    });
    assert.equal((await pull(reference, { keys: { keyPaths: paths } })).length, 1);
    const datas = [KEY, OTHER].map((pair) => Buffer.from(pemOf(pair)).toString("base64"));
    assert.equal((await pull(reference, { keys: { keyDatas: datas } })).length, 1);
  });

  test("refuses those that are not for the image, and says why", async () => {
    const { reference, target } = await push();
    const digest = `sha256:${"0".repeat(64)}`;
    await sign(reference, target, [
      { key: OTHER.privateKey },
      { digest },
      { reference: "other.example/app:1" },
      { critical: { type: "atomic container signature" } },
    ]);
    await assert.rejects(pull(reference), (error: Error & { code?: string }) => {
      assert.equal(error.code, "denied");
      assert.match(error.message, /none of its 4 is accepted: it was made with another key; it was made for "sha256:0/);
      assert.match(error.message, /made for "other.example\/app:1" \(matchRepoDigestOrExact\); \.\.\.$/);
      return true;
    });
  });

  test("takes what says more than is known for no signature", async () => {
    const { reference, target } = await push();
    await sign(reference, target, [{ critical: { more: 1 } }]);
    await assert.rejects(pull(reference), { code: "denied", message: /not the members type, image, identity/ });
  });

  test("takes cosign's, which name a repository, where it is told to", async () => {
    const { reference, target } = await push();
    await sign(reference, target, [{ reference: formatReference(reference).replace(/:1$/, "") }]);
    const message = /\(matchRepoDigestOrExact\); a signedIdentity of type matchRepository takes that$/;
    await assert.rejects(pull(reference), { code: "denied", message });
    await sign(reference, target, [{ reference: `${formatReference(reference).replace(/:1$/, "")}:2` }]);
    await assert.rejects(pull(reference), { code: "denied", message: /:2" \(matchRepoDigestOrExact\)$/ });
    await sign(reference, target, [{ reference: formatReference(reference).replace(/:1$/, "") }]);
    assert.equal((await pull(reference, { signedIdentity: { type: "matchRepository" } })).length, 1);
  });

  /** An index of two manifests, one for each platform. */
  async function pushIndex(): Promise<{ readonly reference: Reference; readonly parts: readonly Descriptor[] }> {
    const reference = parseReference(`${registry.host}/app${images++}:1`);
    const manifests: Descriptor[] = [];
    for (const [seed, architecture] of ["amd64", "arm64"].entries()) {
      const { target } = await pushImage(client.sink({ ...reference, tag: architecture }), [someBytes(100, seed)]);
      manifests.push({ ...target, platform: { os: "linux", architecture } });
    }
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests }));
    const index = describeBytes(content, MEDIA_TYPE_IMAGE_INDEX);
    await using sink = client.sink(reference);
    await sink.putManifest(index, content);
    await sink.putName(undefined, index);
    return { reference, parts: [index, ...manifests] };
  }

  const AMD64 = { os: "linux", architecture: "amd64" };

  test("takes an index that was signed, with what it leads to", async () => {
    const { reference, parts } = await pushIndex();
    const [index] = parts as [Descriptor];
    await sign(reference, index, [{}]);
    assert.equal((await pull(reference, {})).length, 1);
  });

  test("takes an index whose manifests were signed, those that come", async () => {
    const { reference, parts } = await pushIndex();
    const [, amd64, arm64] = parts as [Descriptor, Descriptor, Descriptor];
    const missing = /it has none; of its manifest "sha256:\w+": it has none$/;
    await assert.rejects(pull(reference, { platform: AMD64 }), { code: "denied", message: missing });
    await sign(reference, amd64, [{}]);
    assert.equal((await pull(reference, { platform: AMD64 })).length, 1);
    await assert.rejects(pull(reference), { code: "denied", message: missing });
    await sign(reference, arm64, [{ key: OTHER.privateKey }]);
    await assert.rejects(pull(reference), { code: "denied", message: /": none of its 1 is accepted: .* another key$/ });
    await sign(reference, arm64, [{}]);
    assert.equal((await pull(reference)).length, 1);
  });

  test("finds them by what they refer to, too", async () => {
    const { reference, target } = await push();
    const beside = { registry: registry.host, repository: reference.repository, tag: "elsewhere" };
    const content = { key: KEY.privateKey, reference: formatReference(reference), digest: target.digest };
    const signature = await putSignatures(client.sink(beside), [content]);
    await assert.rejects(pull(reference), { message: /it has none/ });
    const named = await pull(reference, {
      source: (source) =>
        Object.assign(source, { referrers: async () => [{ ...signature, artifactType: ARTIFACT_TYPE_SIGNATURE }] }),
    });
    assert.equal(named.length, 1);
  });

  test("refuses keys that are none", async () => {
    const { reference } = await push();
    const keyOf = (pem: string | Buffer): object => ({ keyData: Buffer.from(pem).toString("base64") });
    const secret = KEY.privateKey.export({ type: "pkcs8", format: "pem" });
    await assert.rejects(pull(reference, { keys: keyOf(secret) }), {
      code: "invalid",
      message: /no public key in PEM/,
    });
    const broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    await assert.rejects(pull(reference, { keys: keyOf(broken) }), { code: "invalid", message: /no public key: / });
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
    await assert.rejects(pull(reference, { keys: keyOf(pemOf(short)) }), { message: /1024 bits, and 2048 are needed/ });
    const agreed = generateKeyPairSync("x25519");
    await assert.rejects(pull(reference, { keys: keyOf(pemOf(agreed)) }), { code: "unsupported", message: /x25519/ });
    await assert.rejects(pull(reference, { keys: { keyPath: "/missing.pub" } }), { code: "not-found" });
  });
});
