import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { OrlopError, parseReference } from "@orlop/core";
import {
  certificatesObstacle,
  DockerRegistry,
  dockerRegistryObstacle,
  makeCertificates,
  temporaryDirectory,
} from "@orlop/testkit";
import type { Credential } from "./credentials/credential.ts";
import { credentialsOfUser } from "./credentials/find-credential.ts";
import { storeCredential } from "./credentials/store-credential.ts";
import { pushImage, someBytes } from "./fixture-blobs-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { HTPASSWD, startTokenServer } from "./token-registry-fixture.ts";

const obstacle = dockerRegistryObstacle() ?? certificatesObstacle();
const options = { skip: obstacle ?? false };
const PASSWORD: Credential = { kind: "password", username: "user", password: "secret" };
const WRONG: Credential = { ...PASSWORD, password: "other" };

const isDenied = (error: unknown): boolean => error instanceof OrlopError && error.code === "denied";

describe("docker's registry with a password", options, () => {
  test("lets in who has it, and nobody else", async () => {
    await using registry = await DockerRegistry.start({ htpasswd: HTPASSWD });
    const reference = parseReference(`${registry.host}/app`);
    using client = new RegistryClient({ credential: PASSWORD });
    await client.checkLogin(registry.host);
    const { target } = await pushImage(client.sink(reference), [someBytes(100_000)]);
    const [image] = await client.source(reference).images();
    assert.deepEqual(image?.target, target);
    using stranger = new RegistryClient();
    await assert.rejects(stranger.source(reference).images(), isDenied);
    await assert.rejects(
      stranger.checkLogin(registry.host),
      /^OrlopError: Cannot log in to "[\d.:]+": .* answered 401/,
    );
    using wrong = new RegistryClient({ credential: WRONG });
    await assert.rejects(wrong.checkLogin(registry.host), isDenied);
  });
});

describe("a login with skopeo", options, () => {
  const noSkopeo = spawnSync("skopeo", ["--version"]).error === undefined ? false : "not installed: skopeo";

  test("is one with us, and ours is one with skopeo", { skip: noSkopeo }, async () => {
    using directory = temporaryDirectory();
    await using registry = await DockerRegistry.start({ htpasswd: HTPASSWD });
    const [theirs, ours] = ["theirs.json", "ours.json"].map((name) => join(directory.path, name));
    assert.ok(theirs !== undefined && ours !== undefined);
    const skopeo = (...args: readonly string[]) => promisify(execFile)("skopeo", args);
    await skopeo("login", "--tls-verify=false", "--authfile", theirs, "-u", "user", "-p", "secret", registry.host);
    using client = new RegistryClient({ credentials: credentialsOfUser({ authFile: theirs }) });
    await client.checkLogin(registry.host);
    await pushImage(client.sink(parseReference(`${registry.host}/app`)), [someBytes(1_000)]);
    await storeCredential(ours, registry.host, { username: "user", password: "secret" });
    const image = `docker://${registry.host}/app`;
    const { stdout } = await skopeo("inspect", "--raw", "--tls-verify=false", "--authfile", ours, image);
    assert.equal(JSON.parse(stdout).schemaVersion, 2);
    await assert.rejects(skopeo("inspect", "--raw", "--tls-verify=false", "--no-creds", image));
  });
});

describe("docker's registry with tokens", options, () => {
  test("is pushed to by who has a password, mounts included, and pulled from by all", async () => {
    const certificates = makeCertificates();
    await using tokens = await startTokenServer(certificates);
    await using registry = await DockerRegistry.start({
      token: { realm: `http://${tokens.host}/token`, service: "tests", issuer: "tests" },
      tokenRoots: certificates.ca,
    });
    const named = (name: string) => parseReference(`${registry.host}/${name}`);
    using client = new RegistryClient({ credential: PASSWORD, limits: { uploadChunkBytes: 50_000 } });
    await client.checkLogin(registry.host);
    const content = someBytes(200_000);
    const { layers } = await pushImage(client.sink(named("base")), [content]);
    const [layer] = layers;
    assert.ok(layer !== undefined);
    const mounting = client.sink(named("app"), { mountFrom: () => ["base"] });
    await mounting.putBlob(layer, () => assert.fail("was asked for content"));
    assert.ok(tokens.seen.length <= 4, `${tokens.seen.length} tokens`);
    using stranger = new RegistryClient();
    const source = stranger.source(named("base"));
    await source.images();
    assert.deepEqual(Buffer.concat(await Array.fromAsync(source.blob(layer))), content);
    await assert.rejects(pushImage(stranger.sink(named("base")), [someBytes(10)]), isDenied);
    using wrong = new RegistryClient({ credential: WRONG });
    await assert.rejects(wrong.checkLogin(registry.host), isDenied);
  });
});
