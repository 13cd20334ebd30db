import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LayoutWriter, makeBusyboxRootfs } from "@orlop/testkit";
import { findLeftovers } from "../../e2e/leftovers-fixture.ts";
import { Engine, type EngineContainers } from "../../index.ts";

interface EngineSuiteOptions {
  readonly skip: string | false;
  readonly stateDirectory: string;
}

/** What the engine of the library promises, for whoever runs it. */
export function engineSuite({ skip, stateDirectory }: EngineSuiteOptions): void {
  const rootBefore = process.env.ORLOP_ROOT;
  const ids: string[] = [];
  let directory = "";
  before(() => {
    if (skip !== false) return;
    directory = mkdtempSync(join(tmpdir(), "orlop-engine-"));
    process.env.ORLOP_ROOT = join(directory, "store");
    makeBusyboxRootfs(join(directory, "rootfs"));
  });
  after(() => {
    if (rootBefore === undefined) delete process.env.ORLOP_ROOT;
    else process.env.ORLOP_ROOT = rootBefore;
    if (directory !== "") rmSync(directory, { recursive: true, force: true });
  });

  describe("the engine of the library", { skip }, () => {
    containerTests(() => directory, ids);
    storeTests(() => directory);

    test("leaves nothing of what was removed", async () => {
      assert.deepEqual(await findLeftovers(ids, stateDirectory), []);
    });
  });
}

function containerTests(directory: () => string, ids: string[]): void {
  test("makes containers, runs programs in them, and tells what they put out and what happens", async () => {
    const sinceMs = Date.now();
    await using engine = await Engine.open();
    const { containers } = engine;
    const script = 'echo out; echo err >&2; trap "exit 5" TERM; while :; do sleep 0.05; done';
    const made = await containers.create({
      image: `dir:${join(directory(), "rootfs")}`,
      command: ["sh", "-c", script],
      name: "box",
      env: { A: "a b", B: "=" },
      labels: { of: "test" },
      workdir: "/tmp",
      mounts: [
        { volume: "data", to: "/data" },
        { from: directory(), to: "/host" },
      ],
    });
    ids.push(made.id);
    assert.deepEqual(
      [made.name, made.status, made.exitCode, made.labels],
      ["box", "created", undefined, { of: "test" }],
    );
    assert.deepEqual(await containers.list(), []);
    const started = await containers.start("box");
    assert.equal(started.status, "running");
    await expectOutput(containers, "box");
    const { stdout, exitCode } = await containers.exec("box", ["sh", "-c", "cat; echo $A$B; pwd; exit 3"], {
      input: "in\n",
    });
    assert.deepEqual([stdout, exitCode], ["in\na b=\n/tmp\n", 3]);
    await containers.exec("box", ["sh", "-c", "echo kept > /data/file"]);
    assert.deepEqual(
      (await containers.list()).map(({ id }) => id),
      [made.id],
    );
    const waiting = containers.wait("box");
    assert.equal((await containers.stop(made.id)).exitCode, 5);
    assert.equal(await waiting, 5);
    await assert.rejects(containers.exec("box", ["true"]), { code: "conflict" });
    await assert.rejects(engine.volumes.remove("data"), { code: "conflict" });
    await containers.remove("box");
    await assert.rejects(containers.inspect("box"), { code: "not-found" });
    await engine.volumes.remove("data");
    const actions: string[] = [];
    for await (const { action, id } of engine.events({ sinceMs, untilMs: Date.now() })) {
      if (id === made.id) actions.push(action);
    }
    assert.deepEqual([actions[0], actions.at(-1)], ["create", "destroy"]);
  });

  test("leaves containers to others when it is closed", async () => {
    const image = `dir:${join(directory(), "rootfs")}`;
    let id: string;
    {
      await using engine = await Engine.open();
      ({ id } = await engine.containers.create({ image, command: ["sleep", "1000"] }));
      ids.push(id);
      await engine.containers.start(id);
    }
    await using engine = await Engine.open();
    assert.equal((await engine.containers.inspect(id.slice(0, 12))).status, "running");
    await engine.containers.remove(id, { force: true });
  });
}

function storeTests(directory: () => string): void {
  test("has images and volumes", async () => {
    await using engine = await Engine.open();
    const layout = makeLayout(directory());
    const digest = await engine.images.pull(`oci:${layout}`);
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    const [image, ...others] = await engine.images.list();
    assert.equal(others.length, 0);
    await engine.images.remove(image?.id ?? "");
    assert.deepEqual(await engine.images.list(), []);
    await engine.volumes.create("vol", { labels: { a: "b" } });
    assert.deepEqual(
      (await engine.volumes.list()).map(({ name, labels }) => [name, labels]),
      [["vol", { a: "b" }]],
    );
    await engine.volumes.remove("vol");
    await assert.rejects(engine.volumes.inspect("vol"), { code: "not-found" });
  });

  test("refuses what it does not have, and options that mean nothing", async () => {
    await using engine = await Engine.open();
    assert.throws(() => engine.dockerHost, { code: "unsupported", message: /no server of Docker's API yet/ });
    const refused: readonly (readonly [options: object, field?: string])[] = [
      [{}, "image"],
      [{ image: "host", restart: "always" }, "restart"],
      [{ image: "host", command: "true" }, "command"],
      [{ image: "host", mounts: [{ volume: "v" }] }],
      [{ image: "host", ports: ["x"] }],
      [{ image: "host", name: "--rm" }],
    ];
    for (const [options, field] of refused) {
      const asked = engine.containers.create(options as never);
      await assert.rejects(asked, { name: "OrlopError", code: "invalid", ...(field === undefined ? {} : { field }) });
    }
    assert.deepEqual(await engine.containers.list({ all: true }), []);
  });
}

/** Of both streams, as it comes. */
async function expectOutput(containers: EngineContainers, name: string): Promise<void> {
  const texts = { 1: "", 2: "" };
  for await (const { fd, data, atMs } of containers.logs(name, { follow: true })) {
    texts[fd] += data.toString();
    assert.ok(atMs > 0);
    if (texts[1] !== "" && texts[2] !== "") break;
  }
  assert.deepEqual(texts, { 1: "out\n", 2: "err\n" });
}

function makeLayout(directory: string): string {
  const small = join(directory, "small");
  mkdirSync(small);
  writeFileSync(join(small, "a"), "a");
  const tar = execFileSync("tar", ["-C", small, "-cf", "-", "."]);
  const layout = new LayoutWriter(join(directory, "layout"));
  layout.publish([layout.manifest({ layers: [{ tar }] })]);
  return layout.directory;
}
