import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseReference } from "@orlop/core";
import { FakeSource } from "../transfer/source-fixture.ts";
import { decodePolicy } from "./decode-policy.ts";
import type { ImageOrigin, SignedIdentity } from "./policy.ts";
import { policyScopes, requirementsFor } from "./policy-scopes.ts";
import { matchesIdentity } from "./signed-identity.ts";

const ACCEPT = { type: "insecureAcceptAnything" };
const REJECT = { type: "reject" };

function inRegistry(name: string): ImageOrigin {
  return { transport: "docker", reference: parseReference(name), open: () => new FakeSource() };
}

const decode = (value: unknown): ReturnType<typeof decodePolicy> => decodePolicy("p.json", JSON.stringify(value));

suite("a policy", () => {
  test("is read as strictly as its manual asks for", () => {
    const refused = (value: unknown, message: RegExp): void =>
      // The operation tells it from a command line that is wrong.
      assert.throws(() => decode(value), { code: "invalid", operation: "read policy", message });
    refused({}, /^Cannot use policy "p.json": default: it is no list/);
    refused({ default: [] }, /default: it is no list of at least one/);
    refused({ default: [ACCEPT], more: 1 }, /its member "more" is unknown/);
    refused({ default: [{ type: "trust" }] }, /default\[0\]\.type: the requirement "trust" is unknown/);
    refused({ default: [{ ...REJECT, keyPath: "/k" }] }, /default\[0\]: its member "keyPath" is unknown/);
    const signed = (more: object): object => ({ default: [{ type: "sigstoreSigned", ...more }] });
    refused(signed({}), /it needs exactly one of keyPath/);
    refused(signed({ keyPath: "/k", keyData: "aaaa" }), /it needs exactly one of keyPath/);
    refused(signed({ keyPaths: [] }), /keyPaths: it is no list of at least one/);
    refused(signed({ keyData: "not base64" }), /keyData: it is not Base64/);
    refused(signed({ keyPath: "/k", signedIdentity: { type: "any" } }), /the identity "any" is unknown/);
    refused(signed({ keyPath: "/k", signedIdentity: { type: "exactReference" } }), /dockerReference: it is no text/);
    for (const scope of ["/", "relative", "/a/../b", "/a/", "/a//b"]) {
      refused({ default: [ACCEPT], transports: { oci: { [scope]: [ACCEPT] } } }, /its scope is no absolute path/);
    }
    assert.throws(() => decodePolicy("p", '{"default":[{"type":"reject"}],"default":[]}'), /stands twice/);
    assert.throws(() => decodePolicy("p", "{"), /not JSON/);
  });

  test("keeps what is not supported, to refuse what it is for", () => {
    const gpg = { type: "signedBy", keyType: "X509Certificates", keyPath: "/k" };
    const pki = { type: "sigstoreSigned", pki: { caRootsPath: "/c", subjectEmail: "e" }, rekorPublicKeyPath: "/r" };
    const types = decode({ default: [gpg, pki] }).default.map((each) => "what" in each && each.what);
    assert.match(String(types[0]), /signedBy/);
    assert.match(String(types[1]), /with pki and rekorPublicKeyPath/);
  });

  test("names authorities and logs, as strictly as keys", () => {
    const signed = (more: object): object => ({ default: [{ type: "sigstoreSigned", ...more }] });
    const refused = (more: object, message: RegExp): void =>
      assert.throws(() => decode(signed(more)), { code: "invalid", message });
    const fulcio = { caPath: "/c", oidcIssuer: "i", subjectEmail: "e" };
    refused({ fulcio }, /with fulcio it needs one of rekorPublicKeyPath/);
    refused({ fulcio, rekorPublicKeyPath: "/r", rekorPublicKeyPaths: ["/r"] }, /at most one of rekorPublicKeyPath/);
    refused({ fulcio: { ...fulcio, caData: "aaaa" }, rekorPublicKeyPath: "/r" }, /exactly one of caPath, caData/);
    refused({ fulcio: { ...fulcio, oidcIssuer: "" }, rekorPublicKeyPath: "/r" }, /fulcio.oidcIssuer: it is no text/);
    refused({ fulcio: { ...fulcio, more: 1 }, rekorPublicKeyPath: "/r" }, /its member "more" is unknown/);
    refused({ pki: { subjectEmail: "e" } }, /exactly one of caRootsPath, caRootsData/);
    refused({ pki: { caRootsPath: "/c" } }, /one of subjectEmail, subjectHostname/);
    refused({ pki: { caRootsPath: "/c", subjectEmail: "e", caIntermediatesData: "?" } }, /it is not Base64/);
    const [requirement] = decode(signed({ fulcio, rekorPublicKeyDatas: ["aaaa", "bbbb"] })).default;
    assert.deepEqual(requirement, {
      type: "sigstoreSigned",
      trust: { kind: "fulcio", roots: { path: "/c" }, oidcIssuer: "i", subjectEmail: "e" },
      logKeys: [{ data: Buffer.from("aaaa", "base64") }, { data: Buffer.from("bbbb", "base64") }],
      signedIdentity: { type: "matchRepoDigestOrExact" },
    });
  });

  test("has the closest scope decide", () => {
    assert.deepEqual(policyScopes(inRegistry("r.example.com:5000/a/b:1")), [
      "r.example.com:5000/a/b:1",
      "r.example.com:5000/a/b",
      "r.example.com:5000/a",
      "r.example.com:5000",
      "*.example.com",
      "*.com",
    ]);
    const digest = `sha256:${"b".repeat(64)}`;
    assert.equal(policyScopes(inRegistry(`busybox:1@${digest}`))[0], `docker.io/library/busybox@${digest}`);
    assert.deepEqual(policyScopes({ transport: "oci", path: "/a/b" }), ["/a/b", "/a"]);
    assert.deepEqual(policyScopes({ transport: "docker-archive" }), []);
    const policy = decode({
      default: [REJECT],
      transports: {
        docker: { "": [ACCEPT], "docker.io/library": [REJECT, ACCEPT], "*.example.com": [ACCEPT, ACCEPT] },
        oci: { "/a": [ACCEPT] },
      },
    });
    const counts = (origin: ImageOrigin): string =>
      requirementsFor(policy, origin)
        .map(({ type }) => type[0])
        .join("");
    assert.equal(counts(inRegistry("busybox")), "ri");
    assert.equal(counts(inRegistry("other/busybox")), "i");
    assert.equal(counts(inRegistry("r.example.com/x")), "ii");
    assert.equal(counts(inRegistry("example.com/x")), "i");
    assert.equal(counts({ transport: "oci", path: "/a/b" }), "i");
    assert.equal(counts({ transport: "oci", path: "/ab" }), "r");
    assert.equal(counts({ transport: "debian" }), "r");
  });
});

suite("the identity of a signature", () => {
  const digest = `sha256:${"c".repeat(64)}`;
  const cases: readonly (readonly [
    identity: SignedIdentity,
    name: string,
    yes: readonly string[],
    no: readonly string[],
  ])[] = [
    [{ type: "matchExact" }, "r.io/a:1", ["r.io/a:1"], ["r.io/a", "r.io/a:2", "r.io/b:1", `r.io/a:1@${digest}`]],
    [{ type: "matchExact" }, `r.io/a@${digest}`, [`r.io/a@${digest}`], ["r.io/a:1"]],
    [{ type: "matchExact" }, "busybox", ["busybox:latest", "docker.io/library/busybox:latest"], ["busybox"]],
    [{ type: "matchRepoDigestOrExact" }, "r.io/a:1", ["r.io/a:1"], ["r.io/a", "r.io/a:2"]],
    [{ type: "matchRepoDigestOrExact" }, `r.io/a@${digest}`, ["r.io/a:1", "r.io/a:2"], ["r.io/a", "r.io/b:1"]],
    [{ type: "matchRepoDigestOrExact" }, `r.io/a:1@${digest}`, ["r.io/a:2"], ["r.io/a", "r.io/b:1"]],
    [{ type: "matchRepository" }, "r.io/a:1", ["r.io/a", "r.io/a:2"], ["r.io/a/b", "io/a", "not a NAME"]],
    [{ type: "exactReference", dockerReference: "v.io/x:1" }, "r.io/a:1", ["v.io/x:1"], ["r.io/a:1", "v.io/x"]],
    [{ type: "exactReference", dockerReference: "v.io/x" }, "r.io/a:1", [], ["v.io/x", "v.io/x:latest"]],
    [{ type: "exactRepository", dockerRepository: "v.io/x" }, "r.io/a:1", ["v.io/x:1", "v.io/x"], ["r.io/a:1"]],
    [
      { type: "remapIdentity", prefix: "r.io/mirror", signedPrefix: "v.io" },
      "r.io/mirror/p/i:1",
      ["v.io/p/i:1"],
      ["v.io/p/i", "v.io/p/i:2", "r.io/mirror/p/i:1"],
    ],
    [{ type: "remapIdentity", prefix: "r.io/mir", signedPrefix: "v.io" }, "r.io/mirror/p:1", ["r.io/mirror/p:1"], []],
  ];
  for (const [identity, name, yes, no] of cases) {
    test(`with ${identity.type} of ${name} is that of the image`, () => {
      for (const signed of yes) assert.equal(matchesIdentity(identity, inRegistry(name), signed), true, signed);
      for (const signed of no) assert.equal(matchesIdentity(identity, inRegistry(name), signed), false, signed);
    });
  }

  test("of what has no place in a registry is only what a policy gives it", () => {
    const origin = { transport: "oci", path: "/a" };
    assert.equal(matchesIdentity({ type: "matchRepository" }, origin, "r.io/a"), false);
    assert.equal(matchesIdentity({ type: "exactRepository", dockerRepository: "r.io/a" }, origin, "r.io/a"), true);
  });
});
