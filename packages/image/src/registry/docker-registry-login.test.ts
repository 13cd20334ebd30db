import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError, parseReference } from "@orlop/core";
import { certificatesObstacle, DockerRegistry, dockerRegistryObstacle, makeCertificates } from "@orlop/testkit";
import type { Credential } from "./credentials/credential.ts";
import { pushImage, someBytes } from "./fixture-blobs-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { HTPASSWD, startTokenServer } from "./token-registry-fixture.ts";

const obstacle = dockerRegistryObstacle() ?? certificatesObstacle();
const options = obstacle === undefined ? {} : { skip: obstacle };
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
