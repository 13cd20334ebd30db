import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { OrlopError } from "@orlop/core";
import { RemoteFiles } from "../remote/remote-files.ts";
import { CachedFiles } from "./cached-files.ts";
import type { Archive } from "./choose-archives.ts";
import { fetchPackages } from "./fetch-packages.ts";
import { TestMirror } from "./fixtures/test-mirror.ts";
import type { Release } from "./parse-release.ts";
import { readRelease } from "./read-release.ts";

const NOW = Date.parse("2026-08-01T00:00:00Z");
const DIRECTORY = "debian/dists/testing";
const PACKAGES = "main/binary-amd64/Packages.gz";

function archiveOf(mirror: TestMirror, isOptional = false): Archive {
  return {
    base: new URL("debian/", mirror.url),
    suite: "testing",
    components: ["main"],
    signedBy: [{ armor: mirror.signer.certificate().toString("latin1") }],
    checkValidUntil: true,
    checkDate: true,
    isOptional,
  };
}

async function read(mirror: TestMirror, archive: Archive = archiveOf(mirror)): Promise<Release | undefined> {
  using files = new RemoteFiles(() => undefined);
  return await readRelease(archive, { files, trusted: [], now: NOW });
}

/** Publishes as before there was a file for both. */
function publishDetached(mirror: TestMirror, signature: (packet: Buffer) => Buffer = (packet) => packet): void {
  const text = Buffer.from(mirror.releaseText());
  mirror.files.delete(`${DIRECTORY}/InRelease`);
  mirror.files.set(`${DIRECTORY}/Release`, text);
  mirror.files.set(`${DIRECTORY}/Release.gpg`, signature(mirror.signer.signature(text, { type: 0 })));
}

test("reads an index whose signature is a file of its own, with armor and without", async () => {
  await using mirror = await TestMirror.start();
  publishDetached(mirror);
  assert.deepEqual((await read(mirror))?.components, ["main"]);
  publishDetached(mirror, (packet) => {
    const begin = "-----BEGIN PGP SIGNATURE-----\n\n";
    return Buffer.from(`${begin}${packet.toString("base64")}\n-----END PGP SIGNATURE-----\n`);
  });
  assert.deepEqual((await read(mirror))?.components, ["main"]);
});

test("refuses an index with such a signature once it is another, or the signature is not there", async () => {
  await using mirror = await TestMirror.start();
  publishDetached(mirror);
  const changed = mirror.releaseText({ Components: "main contrib" });
  mirror.files.set(`${DIRECTORY}/Release`, Buffer.from(changed));
  const isDenied = (error: unknown): boolean => error instanceof OrlopError && error.code === "denied";
  await assert.rejects(read(mirror), isDenied);
  publishDetached(mirror);
  mirror.files.delete(`${DIRECTORY}/Release.gpg`);
  const isMissing = (error: unknown): boolean => error instanceof OrlopError && error.code === "not-found";
  await assert.rejects(read(mirror), isMissing);
  await assert.rejects(read(mirror, archiveOf(mirror, true)), isMissing);
});

test("does without a suite that need not be there", async () => {
  await using mirror = await TestMirror.start();
  mirror.files.clear();
  assert.equal(await read(mirror, archiveOf(mirror, true)), undefined);
  await assert.rejects(read(mirror), (error) => error instanceof OrlopError && error.code === "not-found");
});

test("fetches a list of packages by its hash, and by its name where the mirror does not have that", async () => {
  await using mirror = await TestMirror.start([{ name: "hello" }]);
  using fetching = new RemoteFiles(() => undefined);
  mirror.publish({ "Acquire-By-Hash": "yes" });
  const release = await read(mirror);
  assert.ok(release !== undefined);
  const list = mirror.files.get(`${DIRECTORY}/${PACKAGES}`);
  assert.ok(Buffer.isBuffer(list));
  const texts = async (): Promise<readonly Buffer[]> => {
    mirror.requests.length = 0;
    const files = new CachedFiles(fetching, undefined);
    return (await fetchPackages(release, "amd64", { files })).map(({ text }) => text);
  };
  const byHash = `${DIRECTORY}/main/binary-amd64/by-hash/SHA256/${release.file(PACKAGES)?.sha256}`;
  assert.deepEqual(await texts(), [gunzipSync(list)]);
  assert.deepEqual(mirror.requests, [byHash, `${DIRECTORY}/${PACKAGES}`]);
  // The mirror is being updated.
  mirror.files.set(byHash, list);
  mirror.files.set(`${DIRECTORY}/${PACKAGES}`, Buffer.from("of tomorrow"));
  assert.deepEqual(await texts(), [gunzipSync(list)]);
  assert.deepEqual(mirror.requests, [byHash]);
});
