import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { LayoutWriter, makeTar } from "@orlop/testkit";
import type { Image } from "./image.ts";
import { openStored } from "./open-stored.ts";
import { useScratch } from "./scratch-fixture.ts";

const scratch = useScratch("orlop-archive-");

/** Everything in a directory, as an archive beside it. */
function pack(directory: string, ...flags: readonly string[]): string {
  const archive = `${directory}.tar`;
  execFileSync("tar", [...flags, "-C", directory, "-cf", archive, "."]);
  return archive;
}

function open(kind: "oci-archive" | "docker-archive", path: string, tag?: string): Promise<Image> {
  return openStored({ kind, path, tag }, { rootless: true });
}

/** What a file of the opened image says; nothing of the image is left afterwards. */
async function content(image: Promise<Image>, path: string): Promise<string | undefined> {
  const text = await image.then(async (opened) => {
    await using closing = opened;
    return closing.readFile(path, 1000)?.toString();
  });
  assert.deepEqual(readdirSync(scratch.temporary), []);
  return text;
}

const tarOf = (text: string): Buffer => makeTar([{ path: "f", content: text }]);
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** An archive as docker before 25 wrote it: the second image has a link to the first one's layer. */
function dockerArchive(name: string, manifest?: string): string {
  const directory = join(scratch.path, name);
  const layers = [tarOf("first"), tarOf("second")];
  mkdirSync(directory);
  const images = [layers.slice(0, 1), layers].map((tars, index) => {
    const config = {
      os: "linux",
      architecture: arch() === "x64" ? "amd64" : arch(),
      config: { Cmd: [`${index}`] },
      rootfs: { type: "layers", diff_ids: tars.map((tar) => `sha256:${sha256(tar)}`) },
    };
    const text = Buffer.from(JSON.stringify(config));
    writeFileSync(join(directory, `${sha256(text)}.json`), text);
    const paths = tars.map((tar, layer) => {
      const own = join(directory, `${index}${layer}`);
      mkdirSync(own);
      if (index === 1 && layer === 0) symlinkSync("../00/layer.tar", join(own, "layer.tar"));
      else writeFileSync(join(own, "layer.tar"), tar);
      return `${index}${layer}/layer.tar`;
    });
    return { Config: `${sha256(text)}.json`, RepoTags: [`example/image${index}:latest`], Layers: paths };
  });
  writeFileSync(join(directory, "manifest.json"), manifest ?? JSON.stringify(images));
  return pack(directory);
}

describe("an archive of docker", () => {
  test("is opened by a name, in docker's own ways to write it", async () => {
    const archive = dockerArchive("named");
    for (const name of ["example/image1", "example/image1:latest", "docker.io/example/image1"]) {
      assert.equal(await content(open("docker-archive", archive, name), "f"), "second");
    }
    assert.equal(await content(open("docker-archive", archive, "example/image0"), "f"), "first");
  });

  test("is opened compressed, too", async () => {
    const archive = dockerArchive("packed");
    execFileSync("gzip", [archive]);
    assert.equal(await content(open("docker-archive", `${archive}.gz`, "example/image1"), "f"), "second");
  });

  test("has to be told which of its images is meant, and to have it", async () => {
    const archive = dockerArchive("several");
    await assert.rejects(open("docker-archive", archive), /it has 2; its images are example\/image0:latest, example/);
    await assert.rejects(open("docker-archive", archive, "other"), {
      code: "not-found",
      message: /Cannot find image "other"/,
    });
  });

  test("is refused where it is not one", async () => {
    const cases: readonly [string, string, RegExp][] = [
      ["text", "no JSON", /is no JSON/],
      ["object", "{}", /not as docker writes it/],
      ["number", '[{"Config":5,"Layers":[]}]', /not as docker writes it/],
      ["lost", '[{"Config":"none.json","RepoTags":null,"Layers":[]}]', /it has no none.json/],
      ["outside", '[{"Config":"../../etc/passwd","RepoTags":null,"Layers":[]}]', /it has no ..\/..\/etc\/passwd/],
    ];
    for (const [name, manifest, error] of cases) {
      await assert.rejects(open("docker-archive", dockerArchive(name, manifest)), error);
    }
    await assert.rejects(
      open("docker-archive", join(scratch.path, "none")),
      /Cannot read image archive .*: no such file/,
    );
    writeFileSync(join(scratch.path, "garbage"), "x".repeat(10_000));
    await assert.rejects(open("docker-archive", join(scratch.path, "garbage")), { code: "invalid" });
    const cut = join(scratch.path, "cut");
    writeFileSync(cut, readFileSync(dockerArchive("whole")).subarray(0, 2000));
    await assert.rejects(open("docker-archive", cut), { code: "invalid" });
    assert.deepEqual(readdirSync(scratch.temporary), []);
  });
});

describe("an image layout in an archive", () => {
  test("is opened as one in a directory is", async () => {
    const layout = new LayoutWriter(join(scratch.path, "layout"));
    layout.publish([
      layout.manifest({ layers: [{ tar: tarOf("one") }], tag: "one" }),
      layout.manifest({ layers: [{ tar: tarOf("one") }, { tar: tarOf("two"), compression: "zstd" }], tag: "two" }),
    ]);
    for (const flags of [[], ["-z"], ["--format=pax"]]) {
      const archive = pack(layout.directory, ...flags);
      assert.equal(await content(open("oci-archive", archive, "one"), "f"), "one");
      assert.equal(await content(open("oci-archive", archive, "two"), "f"), "two");
    }
    await assert.rejects(open("oci-archive", dockerArchive("no-layout")), /it has no oci-layout/);
  });
});
