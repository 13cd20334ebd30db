import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Descriptor,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  parseReference,
} from "@orlop/core";
import { DockerRegistry, dockerRegistryObstacle } from "@orlop/testkit";
import { describeBytes, pieces, pushImage, someBytes } from "./fixture-blobs-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { ScriptedServer } from "./scripted-server-fixture.ts";

const obstacle = dockerRegistryObstacle();
const options = { skip: obstacle ?? false };
const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, attemptsMax: 2 };
const config = describeBytes(Buffer.from("{}"), "application/vnd.oci.empty.v1+json");
const subject = describeBytes(Buffer.from("subject"), MEDIA_TYPE_IMAGE_MANIFEST);

function artifact(artifactType: string, annotations?: Readonly<Record<string, string>>): Buffer {
  const mediaType = MEDIA_TYPE_IMAGE_MANIFEST;
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, artifactType, config, layers: [], subject, annotations }),
  );
}

const descriptors = ["a/b", "c/d", "a/b"].map(
  (artifactType, index): Descriptor => ({
    ...describeBytes(Buffer.from(String(index)), MEDIA_TYPE_IMAGE_MANIFEST),
    artifactType,
  }),
);
const index = (manifests: readonly Descriptor[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests });

describe("what refers to a manifest", () => {
  test("is listed under its tag where the registry keeps no list", options, async () => {
    await using registry = await DockerRegistry.start();
    using client = new RegistryClient({ limits: LIMITS });
    const reference = parseReference(`${registry.host}/app`);
    const sink = client.sink(reference);
    await sink.putBlob(config, (offset) => pieces(Buffer.from("{}"), offset));
    const source = client.source(reference);
    assert.deepEqual(await source.referrers(subject), []);
    const contents = [artifact("a/b", { x: "y" }), artifact("c/d"), artifact("a/b", { x: "y" })];
    for (const content of contents) {
      await sink.putManifest(describeBytes(content, MEDIA_TYPE_IMAGE_MANIFEST), content);
    }
    const [first, second] = contents.map((content) => describeBytes(content, MEDIA_TYPE_IMAGE_MANIFEST));
    const listed = [
      { ...first, artifactType: "a/b", annotations: { x: "y" } },
      { ...second, artifactType: "c/d" },
    ];
    assert.deepEqual(await source.referrers(subject), listed);
    assert.deepEqual(await source.referrers(subject, { artifactType: "c/d" }), listed.slice(1));
    const tag = subject.digest.replace(":", "-");
    assert.deepEqual(await source.tags(), [tag]);
  });

  test("is read from the registry's own list, page by page, once each, whether it filters or not", async () => {
    await using server = await ScriptedServer.start((request, answer) => {
      const isSecond = request.url?.includes("page=2") === true;
      answer.setHeader("content-type", MEDIA_TYPE_IMAGE_INDEX);
      if (!isSecond) answer.setHeader("link", `</v2/app/referrers/${subject.digest}?page=2>; rel="next"`);
      answer.end(index(isSecond ? descriptors.slice(1) : descriptors.slice(0, 2)));
    });
    using client = new RegistryClient({ limits: LIMITS });
    const source = client.source(parseReference(`${server.host}/app`));
    assert.deepEqual(await source.referrers(subject), descriptors);
    assert.deepEqual(await source.referrers(subject, { artifactType: "c/d" }), [descriptors[1]]);
    assert.match(server.seen[2]?.url ?? "", /\?artifactType=c%2Fd$/);
  });

  test("is not listed again by us where the registry says that it does", async () => {
    await using server = await ScriptedServer.start((request, answer) => {
      assert.equal(request.method, "PUT");
      request.resume();
      answer.writeHead(201, { "oci-subject": subject.digest }).end();
    });
    using client = new RegistryClient({ limits: LIMITS });
    const content = artifact("a/b");
    const descriptor = describeBytes(content, MEDIA_TYPE_IMAGE_MANIFEST);
    await client.sink(parseReference(`${server.host}/app`)).putManifest(descriptor, content);
    assert.equal(server.seen.length, 1);
  });

  test("is nothing where a web server answers everything", async () => {
    await using server = await ScriptedServer.start((request, answer) => {
      if (request.url?.includes("/referrers/") === true) return void answer.end("<html>");
      answer.writeHead(404).end();
    });
    using client = new RegistryClient({ limits: LIMITS });
    assert.deepEqual(await client.source(parseReference(`${server.host}/app`)).referrers(subject), []);
  });
});

describe("tags", () => {
  test("are listed page by page", async () => {
    await using server = await ScriptedServer.start((request, answer) => {
      const isSecond = request.url?.includes("last=b") === true;
      if (!isSecond) answer.setHeader("link", '<tags/list?last=b>; rel="prev", </v2/app/tags/list?last=b>; rel="next"');
      answer.end(JSON.stringify({ name: "app", tags: isSecond ? ["c", "b"] : ["a", "b"] }));
    });
    using client = new RegistryClient({ limits: LIMITS });
    assert.deepEqual(await client.source(parseReference(`${server.host}/app`)).tags(), ["a", "b", "c"]);
  });

  const WRONG: readonly (readonly [string, string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      "go on elsewhere",
      '{"tags":[]}',
      { link: '<http://evil.example/x>; rel="next"' },
      /goes on with its list at another/,
    ],
    ["are none", '{"tags":"a"}', {}, /sends no list of tags/],
    ["are no JSON", "x", {}, /sends no list of tags/],
    ["have names that no tag has", '{"tags":["a","../\\u001b[2J"]}', {}, /names a tag "\.\.\/\\\\u\{1b\}\[2J"/],
    ["never end", '{"tags":["a"]}', { link: '</v2/app/tags/list>; rel="next"' }, /the list has more than 1000 pages/],
  ];
  for (const [what, body, headers, message] of WRONG) {
    test(`that ${what} are refused`, async () => {
      await using server = await ScriptedServer.start((_request, answer) => answer.writeHead(200, headers).end(body));
      using client = new RegistryClient({ limits: LIMITS });
      await assert.rejects(client.source(parseReference(`${server.host}/app`)).tags(), (error) => {
        assert.ok(error instanceof OrlopError);
        assert.match(error.message, /^Cannot list tags of "127\.0\.0\.1:\d+\/app": /);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

describe("an image in a registry", options, () => {
  test("is gone once it is deleted", async () => {
    await using registry = await DockerRegistry.start();
    using client = new RegistryClient({ limits: LIMITS });
    const reference = parseReference(`${registry.host}/app:1`);
    const { target } = await pushImage(client.sink(reference), [someBytes(1_000)]);
    await client.delete({ registry: reference.registry, repository: "app", digest: target.digest });
    const isNotFound = (error: unknown): boolean => error instanceof OrlopError && error.code === "not-found";
    await assert.rejects(client.source(reference).images(), isNotFound);
    await assert.rejects(
      client.delete({ registry: reference.registry, repository: "app", digest: target.digest }),
      isNotFound,
    );
  });
});
