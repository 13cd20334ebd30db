import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeDescriptor,
  decodeImageConfig,
  decodeImageLayout,
  decodeIndex,
  decodeManifest,
} from "./decode-image-spec.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { jsonWith } from "./fixtures/json-with.ts";
import { stringifyJson } from "./json-text.ts";

const HEX = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

const DESCRIPTOR = `{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:${HEX}","size":2,"urls":["https://example.com/x"],"annotations":{"a":""},"data":"e30=","artifactType":"application/vnd.example+type","platform":{"architecture":"arm64","os":"linux","os.version":"1","os.features":["x"],"variant":"v8","features":["y"]},"x":1}`;

const MANIFEST = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.example+type","config":${DESCRIPTOR},"layers":[${DESCRIPTOR}],"subject":${DESCRIPTOR},"annotations":{},"x":[]}`;

const INDEX = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[${DESCRIPTOR}],"subject":${DESCRIPTOR}}`;

/** Docker's shape: nulls for what is not set, members that only docker knows. */
const CONFIG = `{
  "created": "2015-10-31T22:22:56.015925234Z",
  "author": "someone",
  "architecture": "amd64",
  "os": "linux",
  "config": {
    "Hostname": "8dfe43d80430",
    "AttachStdin": false,
    "User": "1000:1000",
    "ExposedPorts": { "8080/tcp": {} },
    "Env": ["PATH=/usr/bin"],
    "Cmd": null,
    "Entrypoint": ["/bin/app"],
    "Volumes": { "data": {} },
    "WorkingDir": "/srv",
    "Labels": { "": "odd", "a": "b" },
    "StopSignal": "SIGRTMIN+3",
    "OnBuild": null,
    "Shell": ["/bin/sh", "-c"],
    "Healthcheck": { "Test": ["CMD-SHELL", "true"], "Interval": 30000000000, "Retries": 3 }
  },
  "rootfs": { "type": "layers", "diff_ids": ["sha256:${HEX}"] },
  "history": [{ "created": "2015-10-31T22:22:54Z", "created_by": "/bin/sh", "empty_layer": true, "comment": "" }],
  "container": "old"
}`;

test("decodes and encodes descriptors, manifests and indexes without losing a member", () => {
  assert.equal(stringifyJson(decodeDescriptor(DESCRIPTOR)), DESCRIPTOR);
  assert.equal(stringifyJson(decodeManifest(MANIFEST)), MANIFEST);
  assert.equal(stringifyJson(decodeIndex(INDEX)), INDEX);
});

test("decodes an image's config as docker writes it", () => {
  const image = decodeImageConfig(CONFIG);
  const written = JSON.parse(CONFIG) as { config: Record<string, unknown> };
  delete written.config.Cmd;
  delete written.config.OnBuild;
  assert.deepEqual(image, written);
  assert.equal(image.config?.Healthcheck?.Interval, 30_000_000_000);
});

test("takes docker's media types", () => {
  decodeManifest(jsonWith(MANIFEST, { mediaType: "application/vnd.docker.distribution.manifest.v2+json" }));
  decodeIndex(jsonWith(INDEX, { mediaType: "application/vnd.docker.distribution.manifest.list.v2+json" }));
});

test("takes manifests of other artifacts", () => {
  decodeManifest(jsonWith(MANIFEST, { mediaType: undefined, "config/mediaType": "application/vnd.unknown.v9" }));
  assert.deepEqual(decodeManifest(jsonWith(MANIFEST, { layers: null })).layers, []);
});

test("refuses a document that is both a manifest and an index", () => {
  assertRefused(decodeManifest, MANIFEST, { manifests: [] }, '"manifests": a manifest must not have this member');
  assertRefused(decodeManifest, MANIFEST, { fsLayers: [] }, '"fsLayers": a manifest must not have this member');
  assertRefused(decodeManifest, MANIFEST, { Manifests: [] }, '"Manifests": a manifest must not have this member');
  assertRefused(decodeIndex, INDEX, { layers: null }, '"layers": an index must not have this member');
  assertRefused(decodeIndex, INDEX, { config: {} }, '"config": an index must not have this member');
  const indexType = "application/vnd.oci.image.index.v1+json";
  assertRefused(
    decodeManifest,
    MANIFEST,
    { mediaType: indexType },
    `"mediaType": found "${indexType}", expected one of`,
  );
  assertRefused(decodeManifest, MANIFEST, { schemaVersion: 1 }, '"schemaVersion": found 1, expected 2');
});

test("refuses descriptors that cannot be fetched or verified", () => {
  const refused = (changes: Readonly<Record<string, unknown>>, expected: string) =>
    assertRefused(decodeDescriptor, DESCRIPTOR, changes, expected);
  refused({ digest: `sha256:${HEX.toUpperCase()}` }, "sha256 needs 64 lower-case hex digits");
  refused({ digest: "../../etc/passwd" }, 'Cannot decode OCI descriptor "digest": found "../../etc/passwd"');
  refused({ size: -1 }, '"size": found -1, expected an integer from 0');
  refused({ size: 2n ** 63n - 1n }, '"size": found 9223372036854775807');
  refused({ mediaType: "json" }, '"mediaType": found "json", expected a media type');
  refused({ data: "e30" }, '"data": found "e30", expected Base64');
  refused({ "annotations/a": 1 }, '"annotations.a": found 1, expected a string');
  refused({ "platform/os": undefined }, '"platform.os": the member is required');
});

test("refuses configs that do not say what the image is", () => {
  const refused = (changes: Readonly<Record<string, unknown>>, expected: string) =>
    assertRefused(decodeImageConfig, CONFIG, changes, expected);
  refused({ architecture: undefined }, 'Cannot decode image config "architecture": the member is required');
  refused({ "rootfs/type": "tar" }, '"rootfs.type": found "tar", expected one of layers');
  refused({ "rootfs/diff_ids/0": "sha256:x" }, '"rootfs.diff_ids[0]": found "sha256:x"');
  refused({ "config/Env/0": "A=\0" }, '"config.Env[0]": found "A=\\u0000", expected a string without NUL');
  refused({ "config/Entrypoint": "sh" }, '"config.Entrypoint": found "sh", expected a list');
  refused({ "config/Volumes/x": true }, "expected an object");
});

test("decodes the file oci-layout", () => {
  assert.deepEqual(decodeImageLayout('{"imageLayoutVersion": "1.0.0"}'), { imageLayoutVersion: "1.0.0" });
  assert.throws(() => decodeImageLayout('{"imageLayoutVersion": "2.0.0"}'), /"imageLayoutVersion": found "2.0.0"/);
});
