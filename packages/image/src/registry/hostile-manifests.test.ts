import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import {
  type ErrorCode,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
  parseReference,
} from "@orlop/core";
import { describeBytes } from "./fixture-blobs-fixture.ts";
import { RegistryClient } from "./registry-client.ts";
import { ScriptedServer } from "./scripted-server-fixture.ts";

const LIMITS = { firstPauseMs: 1, pauseMaxMs: 2, attemptsMax: 2 };
const manifest = (mediaType?: string): Buffer =>
  Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: {}, layers: [] }));
const good = manifest(MEDIA_TYPE_IMAGE_MANIFEST);
const other = describeBytes(Buffer.from("other"));

type Script = (request: IncomingMessage, answer: ServerResponse) => void;

const sends =
  (content: Buffer | string, headers: Readonly<Record<string, string>> = {}): Script =>
  (_request, answer) =>
    void answer.writeHead(200, headers).end(content);

const typed = (type: string): Readonly<Record<string, string>> => ({ "content-type": type });

describe("a manifest", () => {
  const TAKEN: readonly (readonly [string, Script, string])[] = [
    ["with its own type and the server's", sends(good, typed(MEDIA_TYPE_IMAGE_MANIFEST)), MEDIA_TYPE_IMAGE_MANIFEST],
    [
      "whose type has parameters",
      sends(good, typed(`${MEDIA_TYPE_IMAGE_MANIFEST}; charset=utf-8`)),
      MEDIA_TYPE_IMAGE_MANIFEST,
    ],
    ["that alone says its type", sends(manifest(MEDIA_TYPE_DOCKER_MANIFEST)), MEDIA_TYPE_DOCKER_MANIFEST],
    ["that nobody says the type of", sends(manifest(), typed("application/json")), MEDIA_TYPE_IMAGE_MANIFEST],
    ["of several that nobody says the type of", sends('{"schemaVersion":2,"manifests":[]}'), MEDIA_TYPE_IMAGE_INDEX],
    [
      "with the digest that it has",
      sends(good, { "docker-content-digest": describeBytes(good).digest }),
      MEDIA_TYPE_IMAGE_MANIFEST,
    ],
  ];
  for (const [what, script, mediaType] of TAKEN) {
    test(`${what} is taken`, async () => {
      await using server = await ScriptedServer.start(script);
      using client = new RegistryClient({ limits: LIMITS });
      const [image] = await client.source(parseReference(`${server.host}/app`)).images();
      assert.equal(image?.target.mediaType, mediaType);
    });
  }

  const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  const REFUSED: readonly (readonly [string, Script, ErrorCode, RegExp])[] = [
    [
      "under another digest",
      sends(good, { "docker-content-digest": other.digest }),
      "invalid",
      /names it sha256:\w+, and its content hashes to/,
    ],
    [
      "under what is no digest",
      sends(good, { "docker-content-digest": "sha256:x" }),
      "invalid",
      /names it "sha256:x", which is no digest/,
    ],
    [
      "of another type than its own",
      sends(good, typed(MEDIA_TYPE_IMAGE_INDEX)),
      "invalid",
      /says it is application\/\S+, and it says it is/,
    ],
    ["of schema 1 by its type", sends(good, typed(SCHEMA_1)), "unsupported", /it is of schema 1.*\nTry pushing/],
    ["of schema 1 by what it says", sends('{"schemaVersion":1}'), "unsupported", /it is of schema 1/],
    ["that is nothing at all", sends("{}"), "invalid", /does not say what it is, nor does it itself/],
    ["that is no JSON", sends("<html>"), "invalid", /what came is no JSON object/],
    ["that is a list", sends("[]"), "invalid", /does not say what it is|is no JSON object/],
    [
      "that is compressed unasked",
      sends(good, { "content-encoding": "gzip" }),
      "invalid",
      /in the encoding "gzip", unasked/,
    ],
    ["without end", sends(Buffer.alloc(5_000_000, " ")), "exhausted", /sends more than 4194304 bytes/],
    [
      "behind a file",
      (_request, answer) => void answer.writeHead(302, { location: "file:///etc/passwd" }).end(),
      "invalid",
      /leads to a place of the kind "file:"/,
    ],
    ["behind nothing", (_request, answer) => void answer.writeHead(302).end(), "invalid", /leads to no place/],
    [
      "behind itself",
      (request, answer) => void answer.writeHead(302, { location: request.url ?? "" }).end(),
      "invalid",
      /redirects more than 8 times/,
    ],
  ];
  for (const [what, script, code, message] of REFUSED) {
    test(`${what} is refused`, async () => {
      await using server = await ScriptedServer.start(script);
      using client = new RegistryClient({ limits: LIMITS });
      await assert.rejects(client.source(parseReference(`${server.host}/app:1`)).images(), (error) => {
        assert.ok(error instanceof OrlopError, `${error}`);
        assert.match(error.message, /^Cannot find image "127\.0\.0\.1:\d+\/app:1": /);
        assert.match(error.message, message);
        assert.equal(error.code, code);
        return true;
      });
    });
  }

  test("that is not what its digest says is refused, by name and as a document", async () => {
    await using server = await ScriptedServer.start(sends(good, typed(MEDIA_TYPE_IMAGE_MANIFEST)));
    using client = new RegistryClient({ limits: LIMITS });
    const named = client.source(parseReference(`${server.host}/app@${other.digest}`));
    await assert.rejects(named.images(), /names it sha256:\w+, and its content hashes to/);
    const source = client.source(parseReference(`${server.host}/app`));
    const descriptor = { ...describeBytes(good, MEDIA_TYPE_IMAGE_MANIFEST), size: good.length - 1 };
    await assert.rejects(
      source.document(descriptor),
      /Cannot use document "sha256:\w+": it has \d+ bytes, its descriptor says/,
    );
    await assert.rejects(source.document({ ...other, size: good.length }), /its content hashes to/);
  });
});
