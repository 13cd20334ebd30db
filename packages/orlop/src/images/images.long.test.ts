import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OrlopError, shortId } from "@orlop/core";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";
import { imageSize } from "./image-size.ts";
import { imagesCommand, showImages } from "./images-command.ts";
import { listImages } from "./list-images.ts";
import { TestShelf } from "./shelf-fixture.ts";

// As for docker's client.
process.env.TZ = "UTC";

const DAY_MS = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

let shelf: TestShelf;
const images = async (...args: readonly string[]) => await shelf.call(showImages, imagesCommand, args);
const lines = async (...args: readonly string[]): Promise<readonly string[]> => {
  const { text } = await images(...args);
  return text.split("\n").slice(0, -1);
};
const names = async (...args: readonly string[]) => await lines("--format", "{{.Repository}}:{{.Tag}}", ...args);

let busybox: { readonly id: string; readonly target: { readonly digest: string } };
let app: typeof busybox;

before(async () => {
  shelf = new TestShelf();
  busybox = await shelf.add({
    names: ["docker.io/library/busybox:latest", "docker.io/library/busybox:1.36", "localhost:5000/tools/busybox:1"],
    config: { created: ago(1277) },
    layers: [4_000_000],
  });
  app = await shelf.add({
    names: ["registry.example/team/app:1"],
    config: { created: ago(10), config: { Labels: { team: "a", empty: "" } } },
    layers: [1000, 2000],
    snapshots: [5000, 7000],
  });
  const { target } = await shelf.add({ names: [], config: { created: ago(100) } });
  await shelf.images.put(`docker.io/some/tool@${target.digest}`, target);
});
after(() => shelf[Symbol.dispose]());

describe("orlop images", () => {
  test("shows a row for each name, what was made last first", async () => {
    const [heading, ...rows] = await lines();
    assert.match(heading ?? "", /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    const id = shortId(busybox.id);
    assert.deepEqual(
      rows.map((row) => row.split(/ {3,}/).slice(0, 4)),
      [
        ["registry.example/team/app", "1", shortId(app.id), "10 days ago"],
        ["some/tool", "<none>", rows[1]?.split(/ {3,}/)[2], "3 months ago"],
        ["busybox", "1.36", id, "3 years ago"],
        ["busybox", "latest", id, "3 years ago"],
        ["localhost:5000/tools/busybox", "1", id, "3 years ago"],
      ],
    );
  });

  test("are sorted as is asked for, and have no headings where none are wanted", async () => {
    const tags = await lines("--sort", "tag", "--format", "{{.Tag}}");
    assert.deepEqual(tags, tags.toSorted());
    const ids = await lines("--sort", "id", "-q");
    assert.deepEqual(ids, ids.toSorted());
    assert.deepEqual((await lines("--sort", "size", "-q")).toSorted(), ids);
    const [first = ""] = await lines("--noheading");
    assert.doesNotMatch(first, /REPOSITORY/);
    await assert.rejects(lines("--sort", "beauty"), { code: "invalid" });
  });

  test("counts blobs and snapshots into the size", async () => {
    const [size] = await lines("registry.example/team/app", "--format", "{{.VirtualSize}}");
    const [image] = await listImages(shelf);
    const bytes = (image?.content?.blobs ?? []).reduce((sum, blob) => sum + blob.size, 12_000);
    assert.equal(size, `${Number((bytes / 1000).toPrecision(4))}kB`);
  });

  test("shows ids alone, or in full, and digests", async () => {
    assert.deepEqual(await lines("-q", "busybox"), [shortId(busybox.id), shortId(busybox.id)]);
    assert.deepEqual(await lines("-q", "--no-trunc", "localhost:5000/*/busybox"), [busybox.id]);
    const [heading, row] = await lines("--digests", "busybox:latest");
    assert.match(heading ?? "", /^REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +SIZE$/);
    assert.ok(row?.includes(busybox.target.digest));
    assert.deepEqual(await lines("--format", "{{.Digest}}", "busybox:latest"), [busybox.target.digest]);
  });

  test("shows what suits a pattern or a filter", async () => {
    assert.deepEqual(await names("busybox"), ["busybox:1.36", "busybox:latest"]);
    assert.deepEqual(await names("busybox:l*"), ["busybox:latest"]);
    assert.deepEqual(await names("docker.io/library/busybox:latest"), ["busybox:latest"]);
    assert.deepEqual(await names("nothing"), []);
    assert.deepEqual(await names("*"), ["busybox:1.36", "busybox:latest"]);
    assert.deepEqual(await names("-f", "reference=*/*/app", "--filter=reference=bus?[a-z]ox:latest"), [
      "registry.example/team/app:1",
      "busybox:latest",
    ]);
    assert.deepEqual(await names("-f", "label=team"), ["registry.example/team/app:1"]);
    assert.deepEqual(await names("-f", "label=team=a", "-f", "label=empty="), ["registry.example/team/app:1"]);
    assert.deepEqual(await names("-f", "label=team=b"), []);
    assert.deepEqual(await names("-f", "since=busybox"), ["registry.example/team/app:1", "some/tool:<none>"]);
    assert.deepEqual(await names("-f", `before=${shortId(app.id)}`, "-f", "since=busybox"), ["some/tool:<none>"]);
    assert.deepEqual(await names("-f", "until=240h30m", "-f", "since=busybox"), ["some/tool:<none>"]);
    assert.deepEqual(await names("-f", `until=${ago(200).slice(0, 10)}`, "busybox:latest"), ["busybox:latest"]);
    assert.deepEqual(await names("-f", "until=1136073600"), []);
    assert.deepEqual(await names("-f", "dangling=true"), []);
    assert.equal((await names("-f", "dangling=false", "-a")).length, 5);
  });

  test("shows what was made here by the name that it was made by", async () => {
    using own = new TestShelf();
    await own.add({ names: ["debian:bookworm?packages=a,b"] });
    const call = async (...args: readonly string[]): Promise<string> =>
      (await own.call(showImages, imagesCommand, ["--format", "{{.Repository}} {{.Tag}}", ...args])).text;
    assert.equal(await call(), "debian bookworm?packages=a,b\n");
    assert.equal(await call("-f", "dangling=true"), "");
  });

  test("shows an image without a name as dangling", async () => {
    using other = new TestShelf();
    const { id, target } = await other.add({ names: ["a.example/b:1"] });
    await other.images.delete("a.example/b:1");
    await other.images.put(target.digest, target);
    const call = async (...args: readonly string[]) =>
      (
        await other.call(showImages, imagesCommand, [
          "--format",
          "{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}}",
          ...args,
        ])
      ).text;
    assert.equal(await call(), `<none> <none> <none> ${shortId(id)}\n`);
    assert.equal(await call("-f", "dangling=1"), `<none> <none> <none> ${shortId(id)}\n`);
    assert.equal(await call("-f", "dangling=0"), "");
  });

  test("shows images that are damaged, with what is wrong", async () => {
    using other = new TestShelf();
    const { target } = await other.add({ names: ["a.example/good:1", "a.example/bad:1"], layers: [10] });
    const digest = `sha256:${"0".repeat(64)}` as const;
    await other.images.put("a.example/bad:1", { ...target, digest });
    const { text, warnings, exitCode } = await other.call(showImages, imagesCommand, [
      "--format",
      "{{.Repository}} {{.CreatedAt}} {{.ID}}",
    ]);
    assert.match(text, /^a\.example\/bad N\/A 000000000000$/m);
    assert.match(text, /^a\.example\/good N\/A [0-9a-f]{12}$/m);
    assert.deepEqual(warnings, ['Cannot read image "a.example/bad:1": its manifest is not there']);
    assert.equal(exitCode, 0);
  });

  test("of an image for several platforms shows this machine's, or what there is", async () => {
    using other = new TestShelf();
    const foreign = { os: "linux", architecture: "s390x" };
    const own = await other.add({ names: [], layers: [20] });
    const theirs = await other.add({ names: [], platform: foreign, layers: [10] });
    const missing = { ...theirs.target, digest: `sha256:${"1".repeat(64)}` as const };
    const attestation = { ...own.target, platform: { os: "unknown", architecture: "unknown" } };
    await other.addIndex(
      ["a.example/all:1"],
      [attestation, { ...theirs.target, platform: foreign }, missing, own.target],
    );
    await other.addIndex(["a.example/foreign:1"], [missing, { ...theirs.target, platform: foreign }]);
    const { text } = await other.call(showImages, imagesCommand, ["--no-trunc", "--format", "{{.Repository}} {{.ID}}"]);
    assert.deepEqual(text.split("\n").sort(), ["", `a.example/all ${own.id}`, `a.example/foreign ${theirs.id}`]);
  });

  const refused: readonly [args: readonly string[], message: RegExp][] = [
    [["a", "b"], /"orlop images" takes one name, and got "b" too/],
    [["-f", "x"], /Cannot use filter "x": it is not of the form name=value/],
    [
      ["-f", "size=1"],
      /Cannot use filter "size=1": there are before, dangling, label, label!, reference, since, until/,
    ],
    [["-f", "dangling=perhaps"], /Cannot use filter "dangling=perhaps": it is a switch/],
    [["-f", "before=nothing"], /Cannot find image "nothing": no such image/],
    [["-f", "until=soon"], /Cannot use time "soon"/],
    [["[a-"], /Cannot use pattern "\[a-": syntax error in pattern/],
    [["--format", "{{.Nope}}"], /can't evaluate field Nope, there are Containers, CreatedAt/],
    [["--tree"], /Cannot use flag "--tree"/],
  ];
  for (const [args, message] of refused) {
    test(`refuses: ${args.join(" ")}`, async () => {
      await assert.rejects(
        async () => await images(...args),
        (error) => error instanceof OrlopError && message.test(error.message),
      );
    });
  }
});

describe("orlop images prints what docker's client prints", { skip: await dockerClientObstacle() }, () => {
  let docker: DockerClient;
  before(async () => {
    const answer = [];
    for (const image of await listImages(shelf)) {
      if (image.content === undefined) continue;
      const references = image.records.map(({ name }) => name);
      const repository = (name: string): string => name.replace(/(:[\w.]+)?(@.*)?$/, "");
      const digests = image.records.map(({ name, target }) => `${repository(name)}@${target.digest}`);
      answer.push({
        Id: image.id,
        RepoTags: references.filter((name) => !name.includes("@")),
        RepoDigests: [...new Set(digests)],
        Created: Math.floor((image.createdAtMs ?? 0) / 1000),
        Size: await imageSize(shelf, image.content),
        SharedSize: -1,
        Containers: -1,
      });
    }
    docker = await DockerClient.start({ "/images/json": answer });
  });
  after(async () => await docker[Symbol.asyncDispose]());

  const sorted = (text: string): readonly string[] => text.split("\n").sort();
  const calls: readonly (readonly string[])[] = [
    [],
    ["--digests"],
    ["--no-trunc"],
    ["-q"],
    ["-aq", "--no-trunc"],
    ["--format", "table {{.ID}}\\t{{.CreatedAt}}\\t{{.Size}}"],
    ["--format", "table {{upper .Repository}}\\t{{json .Tag}}"],
    [
      "--format",
      "{{.Repository}}:{{.Tag}} {{.CreatedSince}} {{.VirtualSize}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}",
    ],
    ["--format", "{{json .Repository}} {{len .ID}}"],
  ];
  for (const args of calls) {
    test(`orlop images ${args.join(" ")}`, async () => {
      const { stdout, stderr } = await docker.run("images", ...args);
      assert.equal(stderr, "");
      // Docker shows the names of an image in the order of a hash.
      assert.deepEqual(sorted((await images(...args)).text), sorted(stdout));
    });
  }

  test("orlop images --format json", async () => {
    const parsed = (text: string): readonly unknown[] =>
      sorted(text).flatMap((line) =>
        line === "" ? [] : [JSON.parse(line.replaceAll("\\u003c", "<").replaceAll("\\u003e", ">"))],
      );
    const { stdout } = await docker.run("images", "--format", "json", "--digests");
    assert.deepEqual(parsed((await images("--format", "json", "--digests")).text), parsed(stdout));
  });
});
