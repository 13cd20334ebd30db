import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "./errors.ts";
import {
  digestAlgorithm,
  digestEncoded,
  generateId,
  parseContainerId,
  parseDigest,
  parseFullId,
  parseIdPrefix,
  parseName,
  shortId,
} from "./identifiers.ts";

const HEX = "6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";

test("takes container ids that runc takes", () => {
  for (const id of ["a", "a+b_c-d.e", "...", "-", "0", "A".repeat(255)]) assert.equal(parseContainerId(id), id);
});

test("refuses container ids that cannot be a directory", () => {
  for (const id of ["", ".", "..", "a/b", "../a", "a b", "ä", "a\n", "a\0", "A".repeat(256)]) {
    refused(() => parseContainerId(id), /^Cannot use container id "/);
  }
});

test("takes names by docker's rule", () => {
  for (const name of ["web", "web-1", "0_a.b", "ab"]) assert.equal(parseName(name), name);
  for (const name of ["", "a", ".a", "-a", "_a", "a/b", "/web", "a+b", "web\n", "a".repeat(256)]) {
    refused(() => parseName(name), /^Cannot use name "/);
  }
});

test("checks digests of the registered algorithms to the last digit", () => {
  for (const digest of [`sha256:${HEX}`, `sha512:${HEX}${HEX}`, `blake3:${HEX}`]) {
    assert.equal(parseDigest(digest), digest);
  }
  for (const digest of [`sha256:${HEX.toUpperCase()}`, `sha256:${HEX}0`, `sha256:${HEX.slice(1)}`, `sha512:${HEX}`]) {
    refused(() => parseDigest(digest), /lower-case hex digits/);
  }
});

test("passes digests of other algorithms that obey the grammar", () => {
  for (const digest of [
    "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
    "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
    "constructor:a=",
  ]) {
    assert.equal(parseDigest(digest), digest);
  }
  for (const digest of [
    "",
    ":",
    "sha256",
    "sha256:",
    `:${HEX}`,
    `SHA256:${HEX}`,
    "a..b:c",
    "+a:b",
    "a:b/c",
    "a:..",
    "a:b:c",
    `a:b\n`,
  ]) {
    refused(() => parseDigest(digest), /^Cannot use digest "/);
  }
  refused(() => parseDigest(`a:${"b".repeat(254)}`), /longer than 255/);
});

test("splits a digest at its colon", () => {
  const digest = parseDigest(`sha256:${HEX}`);
  assert.equal(digestAlgorithm(digest), "sha256");
  assert.equal(digestEncoded(digest), HEX);
});

test("generates full ids that differ", () => {
  const ids = new Set(Array.from({ length: 100 }, () => generateId()));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.equal(parseFullId(id), id);
  refused(() => parseFullId(HEX.toUpperCase()), /64 lower-case hex digits/);
  assert.equal(
    generateId((length) => new Uint8Array(length).fill(0xa5)),
    "a5".repeat(32),
  );
});

test("shortens ids and digests for people", () => {
  assert.equal(shortId(HEX), "6c3c624b58db");
  assert.equal(shortId(`sha256:${HEX}`), "6c3c624b58db");
  assert.equal(shortId("abc"), "abc");
});

test("reads the beginning of an id as a person types it", () => {
  assert.equal(parseIdPrefix("sha256:6C3c"), "6c3c");
  assert.equal(parseIdPrefix(HEX), HEX);
  for (const prefix of ["", "sha256:", "xyz", `${HEX}0`, "6c3c%"]) refused(() => parseIdPrefix(prefix), /1 to 64 hex/);
});

function refused(parse: () => unknown, message: RegExp): void {
  assert.throws(parse, (error) => {
    assert.ok(error instanceof OrlopError, String(error));
    assert.equal(error.code, "invalid");
    assert.match(error.message, message);
    return true;
  });
}
