import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError, shortId } from "@orlop/core";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { findImage } from "./find-image.ts";
import { historyCommand, showHistory } from "./history-command.ts";
import { imageInspectCommand, inspectImages } from "./inspect-command.ts";
import { removeImages, rmiCommand } from "./rmi-command.ts";
import { TestShelf } from "./shelf-fixture.ts";
import { tagCommand, tagImage } from "./tag-command.ts";

// As for docker's client.
process.env.TZ = "UTC";

const obstacle = await dockerClientObstacle();

const BUSYBOX = "docker.io/library/busybox:latest";

const rejects = async (action: () => Promise<unknown>, code: string, message: RegExp): Promise<void> =>
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof OrlopError);
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });

describe("an image is found", () => {
  test("by its name, in full and as people write it, and by a digest of its repository", async () => {
    using shelf = new TestShelf();
    const { id, target } = await shelf.add({ names: [BUSYBOX, "localhost:5000/app:1"] });
    const spellings = [
      BUSYBOX,
      "busybox",
      "busybox:latest",
      "library/busybox",
      "docker.io/busybox",
      "localhost:5000/app:1",
      `busybox@${target.digest}`,
      `busybox:latest@${target.digest}`,
      `localhost:5000/app@${target.digest}`,
    ];
    for (const text of spellings) {
      const found = await findImage(shelf, text);
      assert.deepEqual([found.image.id, found.named], [id, "name"], text);
      assert.equal(found.record.name, text.includes("app") ? "localhost:5000/app:1" : BUSYBOX, text);
    }
  });

  test("by the beginning of its id, and by the digest that its name refers to", async () => {
    using shelf = new TestShelf();
    const { id, target } = await shelf.add({ names: [BUSYBOX] });
    const digits = id.slice("sha256:".length);
    for (const text of [digits, digits.toUpperCase(), id, digits.slice(0, 12), digits.slice(0, 1), target.digest]) {
      const found = await findImage(shelf, text);
      assert.deepEqual([found.image.id, found.named], [id, "id"], text);
    }
  });

  test("by its name before another one by its id", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX] });
    const digits = id.slice("sha256:".length, "sha256:".length + 12);
    const other = await shelf.add({ names: [`docker.io/library/${digits}:latest`], layers: [1] });
    assert.equal((await findImage(shelf, digits)).image.id, other.id);
    assert.equal((await findImage(shelf, `sha256:${digits}`)).image.id, id);
  });

  test("not by what does not name it, or names several", async () => {
    using shelf = new TestShelf();
    const first = await shelf.add({ names: [BUSYBOX] });
    const texts = ["nothing", "busybox:1", "BUSYBOX", "x y", "", `other@${first.target.digest}`, "0".repeat(65), "a/b"];
    for (const text of texts) await rejects(async () => await findImage(shelf, text), "not-found", /no such image$/);
    const digit = first.id.charAt("sha256:".length);
    let same = first;
    for (let size = 0; same === first; size++) {
      const made = await shelf.add({ names: [`a.example/b:${size}`], layers: [size] });
      if (made.id.charAt("sha256:".length) === digit) same = made;
    }
    await rejects(
      async () => await findImage(shelf, digit),
      "conflict",
      /images have ids that begin so, .*\nTry more digits\.$/,
    );
  });
});

describe("orlop tag", () => {
  test("gives another name, and moves one that is there", async () => {
    using shelf = new TestShelf();
    const { target } = await shelf.add({ names: [BUSYBOX] });
    const other = await shelf.add({ names: ["a.example/b:1"], layers: [1] });
    const tag = async (...args: readonly string[]) => (await shelf.call(tagImage, tagCommand, args)).exitCode;
    assert.equal(await tag("busybox", "app"), 0);
    assert.equal(await tag("busybox", "a.example/b:1"), 0);
    assert.equal(await tag(shortId(other.target.digest), "x").catch(() => "gone"), "gone");
    assert.deepEqual(
      (await shelf.images.list()).map((each) => [each.name, each.target.digest]),
      ["a.example/b:1", "docker.io/library/app:latest", BUSYBOX].map((name) => [name, target.digest]),
    );
  });

  test("refuses what is no image and what is no name", async () => {
    using shelf = new TestShelf();
    const { target } = await shelf.add({ names: [BUSYBOX] });
    const tag = async (...args: readonly string[]) => await shelf.call(tagImage, tagCommand, args);
    await rejects(() => tag("nothing", "x"), "not-found", /no such image/);
    await rejects(() => tag("busybox", "UPPER"), "invalid", /lower case/);
    await rejects(
      () => tag("busybox", `x@${target.digest}`),
      "invalid",
      /a name with a digest is given by its content/,
    );
    await rejects(() => tag("busybox"), "invalid", /takes an image and a name, and got 1 words/);
    await rejects(() => tag("a", "b", "c"), "invalid", /got 3 words/);
  });
});

describe("orlop rmi", () => {
  const rmi = async (shelf: TestShelf, ...args: readonly string[]) => await shelf.call(removeImages, rmiCommand, args);

  test("takes a name away, and the image with the last one", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX, "a.example/b:1"] });
    assert.deepEqual(await rmi(shelf, "busybox"), {
      exitCode: 0,
      text: "Untagged: busybox:latest\n",
      errors: [],
      warnings: [],
    });
    assert.equal((await rmi(shelf, "a.example/b:1")).text, `Untagged: a.example/b:1\nDeleted: ${id}\n`);
    assert.deepEqual(await shelf.names(), []);
    assert.equal(shelf.collections, 2);
  });

  test("takes an image away by its id, with all names only by force", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX, "a.example/b:1"] });
    const refused = await rmi(shelf, shortId(id));
    assert.equal(refused.exitCode, 1);
    assert.match(refused.errors[0] ?? "", /it has several names, a\.example\/b:1, busybox:latest\nTry -f/);
    assert.equal((await shelf.names()).length, 2);
    const forced = await rmi(shelf, shortId(id), "-f");
    assert.equal(forced.text, `Untagged: a.example/b:1\nUntagged: busybox:latest\nDeleted: ${id}\n`);
    const single = await shelf.add({ names: [BUSYBOX] });
    assert.equal((await rmi(shelf, single.id)).text, `Untagged: busybox:latest\nDeleted: ${single.id}\n`);
  });

  test("takes away one without a name", async () => {
    using shelf = new TestShelf();
    const { id, target } = await shelf.add({ names: [] });
    await shelf.images.put(target.digest, target);
    assert.equal((await rmi(shelf, shortId(id))).text, `Deleted: ${id}\n`);
    assert.deepEqual(await shelf.names(), []);
  });

  test("counts the name that one was made here by as a name", async () => {
    using shelf = new TestShelf();
    const made = "debian:bookworm?packages=a";
    const { id } = await shelf.add({ names: [BUSYBOX, made] });
    const refused = await rmi(shelf, shortId(id));
    assert.match(refused.errors[0] ?? "", /it has several names, debian:bookworm\?packages=a, busybox:latest\n/);
    assert.equal((await rmi(shelf, made)).text, `Untagged: ${made}\n`);
    assert.deepEqual(await shelf.names(), [BUSYBOX]);
  });

  test("is told by events, as is a name that is given", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX] });
    await shelf.call(tagImage, tagCommand, ["busybox", "localhost:5000/app:1"]);
    await rmi(shelf, "-f", shortId(id));
    const events = shelf.database.all("select * from engine_events order by number");
    assert.deepEqual(
      events.map((event) => [event.type, event.action, event.id, event.attributes]),
      [
        ["image", "tag", id, '{"name":"localhost:5000/app:1"}'],
        ["image", "untag", id, '{"name":"busybox:latest"}'],
        ["image", "untag", id, '{"name":"localhost:5000/app:1"}'],
        ["image", "delete", id, `{"name":"${id}"}`],
      ],
    );
  });

  test("tries all of them, and tells all that went wrong", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: [BUSYBOX] });
    const { exitCode, text, errors } = await rmi(shelf, "nothing", "busybox", "more");
    assert.match(text, /^Untagged: busybox:latest\nDeleted: sha256:/);
    assert.deepEqual(errors, ['Cannot find image "nothing": no such image', 'Cannot find image "more": no such image']);
    assert.equal(exitCode, 1);
  });

  test("refuses an image that a container uses, in docker's words", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX] });
    const running = containerOf({ image: { text: "busybox", id } }, { status: "running" });
    const [user, image] = [shortId(running.id), shortId(id)];
    shelf.containers = [running];
    assert.deepEqual((await rmi(shelf, "busybox")).errors, [
      `conflict: unable to remove repository reference "busybox" (must force) - container ${user} is using its referenced image ${image}`,
    ]);
    assert.deepEqual((await rmi(shelf, "-f", image)).errors, [
      `conflict: unable to delete ${image} (cannot be forced) - image is being used by running container ${user}`,
    ]);
    shelf.containers = [containerOf(running, { status: "exited" })];
    assert.deepEqual((await rmi(shelf, image)).errors, [
      `conflict: unable to delete ${image} (must be forced) - image is being used by stopped container ${user}`,
    ]);
    assert.deepEqual(await shelf.names(), [BUSYBOX]);
    assert.equal((await rmi(shelf, "-f", "busybox")).text, "Untagged: busybox:latest\n");
    assert.deepEqual(await shelf.names(), []);
  });

  test("by force does not mind what is not there", async () => {
    using shelf = new TestShelf();
    const { exitCode, errors } = await rmi(shelf, "--force", "nothing");
    assert.deepEqual([exitCode, errors.length], [0, 1]);
  });

  test("takes all away that no container uses, and by force the others as well", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX, "a.example/b:1"] });
    await shelf.add({ names: ["a.example/c:1"], layers: [5] });
    shelf.containers = [containerOf({ image: { text: "busybox", id } }, {})];
    assert.match((await rmi(shelf, "-a")).text, /^Untagged: a\.example\/c:1\nDeleted: sha256:[0-9a-f]{64}\n$/);
    assert.deepEqual((await shelf.names()).length, 2);
    const forced = await rmi(shelf, "--all", "-f");
    assert.deepEqual([forced.exitCode, await shelf.names()], [0, []]);
    assert.deepEqual(await rmi(shelf, "-a"), { exitCode: 0, text: "", errors: [], warnings: [] });
    await rejects(async () => await rmi(shelf, "-a", "busybox"), "invalid", /either all images/);
  });

  test("passes over what is not there where it is told to", async () => {
    using shelf = new TestShelf();
    assert.deepEqual(await rmi(shelf, "--ignore", "nothing"), { exitCode: 0, text: "", errors: [], warnings: [] });
  });

  test("refuses to remove nothing, and one platform of several", async () => {
    using shelf = new TestShelf();
    await rejects(async () => await rmi(shelf), "invalid", /takes at least one image/);
    await rejects(async () => await rmi(shelf, "--platform", "linux/amd64", "x"), "unsupported", /"--platform"/);
  });
});

describe("orlop image inspect", () => {
  const inspect = async (shelf: TestShelf, ...args: readonly string[]) =>
    await shelf.call(inspectImages, imageInspectCommand, args);

  test("tells all in the form of docker's", async () => {
    using shelf = new TestShelf();
    const { id, target } = await shelf.add({
      names: [BUSYBOX, "localhost:5000/app:1"],
      layers: [10, 20],
      config: {
        created: "2026-01-02T03:04:05.678Z",
        author: "somebody",
        config: {
          Env: ["PATH=/bin"],
          Cmd: ["sh"],
          ExposedPorts: { "80/tcp": {} },
          Labels: { a: "1" },
          Healthcheck: { Test: ["NONE"] },
        },
        history: [{ created_by: "x", comment: "done" }],
      },
    });
    const { text, exitCode } = await inspect(shelf, "busybox");
    assert.equal(exitCode, 0);
    assert.ok(text.startsWith('[\n    {\n        "Id": "sha256:'));
    const [document] = JSON.parse(text) as [Record<string, unknown>];
    const { Size, Metadata, RootFS, Architecture, ...rest } = document;
    assert.deepEqual(rest, {
      Id: id,
      RepoTags: ["busybox:latest", "localhost:5000/app:1"],
      RepoDigests: [`busybox@${target.digest}`, `localhost:5000/app@${target.digest}`],
      Parent: "",
      Comment: "done",
      Created: "2026-01-02T03:04:05.678Z",
      Author: "somebody",
      Config: {
        ExposedPorts: { "80/tcp": {} },
        Env: ["PATH=/bin"],
        Cmd: ["sh"],
        Labels: { a: "1" },
        Healthcheck: { Test: ["NONE"] },
      },
      Os: "linux",
      Descriptor: target,
    });
    assert.ok(typeof Size === "number" && Size > 30);
    assert.match(String((Metadata as { LastTagTime: string }).LastTagTime), /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual((RootFS as { Type: string }).Type, "layers");
    assert.equal((RootFS as { Layers: string[] }).Layers.length, 2);
    assert.equal(typeof Architecture, "string");
  });

  test("prints by a format", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX], config: { config: { Cmd: ["sh", "-c"], Labels: { a: "1" } } } });
    const print = async (format: string) => (await inspect(shelf, "-f", format, "busybox", "busybox")).text;
    assert.equal(await print("{{.Id}}{{.ID}}"), `${id}${id}\n${id}${id}\n`);
    assert.equal(
      await print('{{join .Config.Cmd " "}} {{len .Config.Env}} {{.Config.Entrypoint}}'),
      "sh -c 0 []\n".repeat(2),
    );
    assert.equal(await print('{{index .Config.Labels "a"}}[{{index .Config.Labels "b"}}]'), "1[]\n".repeat(2));
    const json = JSON.parse(await print("json")) as readonly unknown[];
    assert.equal(json.length, 2);
  });

  test("prints an empty list for what is not there, and goes on", async () => {
    using shelf = new TestShelf();
    const nothing = await inspect(shelf, "nothing");
    assert.deepEqual(nothing, {
      exitCode: 1,
      text: "[]\n",
      errors: ['Cannot find image "nothing": no such image'],
      warnings: [],
    });
    assert.equal((await inspect(shelf, "-f", "{{.Id}}", "nothing")).text, "\n");
    await shelf.add({ names: [BUSYBOX] });
    const some = await inspect(shelf, "nothing", "busybox");
    assert.deepEqual([some.exitCode, (JSON.parse(some.text) as readonly unknown[]).length], [1, 1]);
  });

  test("tells of the platform that is asked for", async () => {
    using shelf = new TestShelf();
    const foreign = { os: "linux", architecture: "s390x" };
    const own = await shelf.add({ names: [] });
    const theirs = await shelf.add({ names: [], platform: foreign });
    await shelf.addIndex([BUSYBOX], [own.target, { ...theirs.target, platform: foreign }]);
    const id = async (...args: readonly string[]) =>
      (await inspect(shelf, "-f", "{{.Id}}", ...args, "busybox")).text.trim();
    assert.equal(await id(), own.id);
    assert.equal(await id("--platform", "linux/s390x"), theirs.id);
    assert.equal(await id("--platform", "s390x"), theirs.id);
    const missing = await inspect(shelf, "--platform", "linux/riscv64", "busybox");
    assert.deepEqual([missing.exitCode, missing.text], [1, "[]\n"]);
    assert.match(missing.errors[0] ?? "", /it has nothing for linux\/riscv64$/);
    await rejects(
      async () => await inspect(shelf, "--platform", "a/b/c/d", "busybox"),
      "invalid",
      /it is no os\/architecture/,
    );
  });

  test("refuses what it cannot print and does not know", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: [BUSYBOX] });
    await rejects(async () => await inspect(shelf), "invalid", /takes at least one image/);
    await rejects(async () => await inspect(shelf, "-f", "{{", "busybox"), "invalid", /unclosed action/);
    await rejects(
      async () => await inspect(shelf, "-f", "{{.Nope}}", "busybox"),
      "invalid",
      /can't evaluate field Nope/,
    );
  });
});

const STEPS = [
  { created: "2023-11-14T22:13:20Z", created_by: "é\tADD", comment: "base" },
  {
    created: "2024-01-01T00:00:00Z",
    created_by: 'CMD ["sh"] and much more text than fits into a column',
    empty_layer: true,
  },
  { created_by: "RUN x" },
];

describe("orlop history", () => {
  const history = async (shelf: TestShelf, ...args: readonly string[]) =>
    (await shelf.call(showHistory, historyCommand, args)).text;

  test("shows the steps, the last one first, with the sizes of their layers", async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX], layers: [1000, 2000], config: { history: STEPS } });
    const rows = (await history(shelf, "busybox", "-H=false")).split("\n").map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows.slice(1, -1), [
      [shortId(id), rows[1]?.[1], "RUN x", "2000", ""],
      ["<missing>", rows[2]?.[1], 'CMD ["sh"] and much more text than fits into…', "0", ""],
      ["<missing>", rows[3]?.[1], "é ADD", "1000", "base"],
    ]);
    assert.equal(await history(shelf, "-q", "--no-trunc", "busybox"), `${id}\n<missing>\n<missing>\n`);
  });

  test("shows the sizes of snapshots where the layers have become some", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: [BUSYBOX], layers: [1000, 2000], snapshots: [5000, 7000], config: { history: STEPS } });
    assert.equal(await history(shelf, "--format", "{{.Size}}", "busybox"), "7kB\n0B\n5kB\n");
  });

  test("shows layers of which nobody knows how they were made", async () => {
    using shelf = new TestShelf();
    await shelf.add({ names: [BUSYBOX], layers: [1, 2] });
    assert.equal(
      await history(shelf, "--format", "{{.CreatedSince}} {{.CreatedBy}} {{.Size}}", "busybox"),
      "N/A  2B\nN/A  1B\n",
    );
  });

  test("refuses anything but one image", async () => {
    using shelf = new TestShelf();
    await rejects(async () => await history(shelf), "invalid", /takes one image, and got 0/);
    await rejects(async () => await history(shelf, "a", "b"), "invalid", /takes one image, and got 2/);
    await rejects(async () => await history(shelf, "a"), "not-found", /no such image/);
  });

  test("prints what docker's client prints", { skip: obstacle }, async () => {
    using shelf = new TestShelf();
    const { id } = await shelf.add({ names: [BUSYBOX], layers: [1_234_567, 2000], config: { history: STEPS } });
    const seconds = (text: string | undefined): number => (text === undefined ? 0 : Date.parse(text) / 1000);
    const sizes = [1_234_567, 0, 2000];
    const answer = STEPS.map(({ created, created_by, comment }, index) => ({
      Id: index === STEPS.length - 1 ? id : "<missing>",
      Created: seconds(created),
      CreatedBy: created_by,
      Comment: comment ?? "",
      Size: sizes[index],
    })).reverse();
    await using docker = await DockerClient.start({ "/images/busybox/history": answer });
    const calls: readonly (readonly string[])[] = [
      [],
      ["--no-trunc"],
      ["-q"],
      ["-H=false"],
      ["--format", "table {{.ID}}\\t{{.CreatedBy}}"],
      ["--format", "{{.CreatedAt}} {{.Size}} {{.Comment}}"],
    ];
    for (const args of calls) {
      const { stdout, stderr } = await docker.run("history", ...args, "busybox");
      assert.equal(stderr, "");
      assert.equal(await history(shelf, ...args, "busybox"), stdout, args.join(" "));
    }
  });
});
