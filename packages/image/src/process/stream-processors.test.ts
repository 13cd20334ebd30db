import assert from "node:assert/strict";
import { createCipheriv, createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Digest, MEDIA_TYPE_IMAGE_LAYER, MEDIA_TYPE_IMAGE_LAYER_GZIP } from "@orlop/core";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { readLayer, type StoredLayer } from "../layer/read-layer.ts";
import { readStreamProcessors, type StreamProcessor } from "./stream-processors.ts";

const ENCRYPTED = `${MEDIA_TYPE_IMAGE_LAYER_GZIP}+encrypted`;
const TAR = makeTar([
  { path: "secret", content: "x".repeat(200_000) },
  { path: "end", content: "e" },
]);
const KEY = Buffer.alloc(32, 7);

function encrypted(content: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-ctr", KEY, Buffer.alloc(16));
  return Buffer.concat([cipher.update(content), cipher.final()]);
}

function layerOf(content: Buffer, mediaType: string): StoredLayer {
  const diffId: Digest = `sha256:${createHash("sha256").update(TAR).digest("hex")}`;
  const chunks = async function* () {
    for (let at = 0; at < content.length; at += 100) yield content.subarray(at, at + 100);
  };
  return { name: "x", diffId, mediaType, chunks };
}

async function pathsOf(layer: StoredLayer, processors: readonly StreamProcessor[]): Promise<readonly string[]> {
  const entries = await Array.fromAsync(readLayer(layer, { processors: () => processors }));
  return entries.map(({ path }) => path);
}

const PROGRAM = `
const { createDecipheriv } = require("node:crypto");
if (process.env.STREAM_PROCESSOR_MEDIATYPE !== process.argv[2]) throw new Error(process.env.STREAM_PROCESSOR_MEDIATYPE);
const key = Buffer.from(process.env.LAYER_KEY, "hex");
process.stdin.pipe(createDecipheriv("aes-256-ctr", key, Buffer.alloc(16))).pipe(process.stdout);
`;

function configuration(directory: string, key = KEY): string {
  const program = join(directory, "decrypt.cjs");
  const path = join(directory, "config.toml");
  writeFileSync(program, PROGRAM);
  const text = `version = 3
[plugins."io.containerd.image-verifier.v1.bindir"]
  max_verifiers = 10
[stream_processors]
  [stream_processors."example.decoder.v1.tar.gzip"]
    accepts = ["${ENCRYPTED}"]
    returns = "${MEDIA_TYPE_IMAGE_LAYER_GZIP}"
    path = ${JSON.stringify(process.execPath)}
    args = [${JSON.stringify(program)}, "${ENCRYPTED}"]
    env = ["LAYER_KEY=${key.toString("hex")}", "OTHER=a=b"]
`;
  writeFileSync(path, text);
  return path;
}

suite("stream processors", () => {
  test("decrypt a layer, as containerd has them configured", () =>
    withTemporaryDirectory(async (directory) => {
      const processors = readStreamProcessors(configuration(directory));
      assert.equal(processors[0]?.env.OTHER, "a=b");
      const layer = layerOf(encrypted(gzipSync(TAR)), ENCRYPTED);
      assert.deepEqual(await pathsOf(layer, processors), ["secret", "end"]);
    }));

  test("that make something else of a layer, or fail, are told of", () =>
    withTemporaryDirectory(async (directory) => {
      const layer = layerOf(encrypted(gzipSync(TAR)), ENCRYPTED);
      const wrong = readStreamProcessors(configuration(directory, Buffer.alloc(32, 8)));
      await assert.rejects(pathsOf(layer, wrong), { code: "invalid" });
      const failing = wrong.map((each) => ({ ...each, path: "/bin/sh", args: ["-c", "echo no key >&2; exit 1"] }));
      await assert.rejects(pathsOf(layer, failing), { code: "failed", message: /no key/ });
      const missing = wrong.map((each) => ({ ...each, path: join(directory, "missing") }));
      await assert.rejects(pathsOf(layer, missing), { code: "unsupported", message: /there is no such program/ });
    }));

  test("work one behind the other, and not in circles", async () => {
    const step = (from: string, returns: string): StreamProcessor => ({
      id: from,
      accepts: [from],
      returns,
      path: "cat",
      args: [],
      env: {},
    });
    const chain = [step("a", "b"), step("b", "c"), step("c", MEDIA_TYPE_IMAGE_LAYER)];
    assert.equal((await pathsOf(layerOf(TAR, "a"), chain)).length, 2);
    const circle = [step("a", "b"), step("b", "a")];
    await assert.rejects(pathsOf(layerOf(TAR, "a"), circle), {
      code: "unsupported",
      message: /after 8 stream processors/,
    });
    await assert.rejects(pathsOf(layerOf(TAR, "d"), chain), { code: "unsupported", message: /its media type is "d"$/ });
  });

  test("are refused where they are not configured right", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "config.toml");
      const refused = (text: string, message: RegExp): void => {
        writeFileSync(path, text);
        assert.throws(() => readStreamProcessors(path), {
          code: "invalid",
          operation: "read configuration",
          message,
        });
      };
      assert.deepEqual(readStreamProcessors(path), []);
      writeFileSync(path, "version = 3\n");
      assert.deepEqual(readStreamProcessors(path), []);
      refused("stream_processors = 1\n", /is no table/);
      refused("[stream_processors.x]\naccepts = []\n", /"x": accepts is no list of media types/);
      refused('[stream_processors.x]\naccepts = ["a"]\nreturns = 1\n', /returns is no media type/);
      refused('[stream_processors.x]\naccepts = ["a"]\nreturns = "b"\npath = ""\n', /path is no program/);
      refused('[stream_processors.x]\naccepts = ["a"]\nreturns = "b"\npath = "p"\nenv = ["E"]\n', /NAME=VALUE/);
      refused("[stream_processors.x]\nmore = 1\n", /its member "more" is unknown/);
      refused("[stream_processors\n", /^Cannot use configuration ".*config.toml": /);
    }));
});
