import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { Engine } from "../engine.ts";
import { EngineFixture, newContainer, newPod } from "../engine-fixture.ts";
import { type PodStatus, podStatus } from "./pod-status.ts";
import type { NewPod } from "./pods.ts";

async function makePod(engine: Engine, changes: Partial<NewPod> = {}, name = "web"): Promise<string> {
  return (await engine.pods.create(name, async () => newPod(changes))).id;
}

async function enter(engine: Engine, pod: string, name: string, init?: true): Promise<string> {
  const membership = init === undefined ? { id: pod } : { id: pod, init };
  const made = newContainer({ pod: membership, network: { kind: "pod", id: pod } });
  return (await engine.create(name, async () => made)).id;
}

async function statusOf(engine: Engine): Promise<PodStatus> {
  const { pod, members } = await engine.pods.find("web");
  return podStatus(pod, members);
}

describe("a pod", () => {
  test("is started, stopped and removed with its containers, each seen by another engine", async () => {
    using fixture = new EngineFixture();
    const [one, other] = [fixture.open(), fixture.open()];
    const pod = await makePod(one);
    const members = [await enter(one, pod, "aa"), await enter(other, pod, "bb")];
    assert.equal(await statusOf(other), "Created");
    await other.pods.start("web");
    assert.equal(await statusOf(one), "Running");
    assert.deepEqual([...fixture.namespaces.held], [pod]);
    const { spec } = fixture.runtime.runs.get(members[0] ?? "")?.request ?? {};
    const joined = spec?.linux?.namespaces?.filter(({ path }) => path !== undefined);
    assert.deepEqual(joined, [
      { type: "network", path: `/held/${pod}/net` },
      { type: "uts", path: `/held/${pod}/uts` },
    ]);
    assert.equal(spec?.linux?.cgroupsPath, `/orlop/pod-${pod}/${members[0]}`);
    await one.pods.stop("web");
    assert.equal(await statusOf(other), "Exited");
    assert.equal(fixture.namespaces.held.size, 0);
    await other.pods.remove(pod.slice(0, 12));
    assert.equal(one.pods.exists("web"), false);
    assert.deepEqual(await one.list(), []);
    assert.equal(existsSync(join(fixture.directory, "pods", pod)), false);
  });

  test("shares from the start of its first container until it is stopped, whichever of them runs", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const [first, second] = [await enter(engine, pod, "aa"), await enter(engine, pod, "bb")];
    await engine.start(first);
    fixture.runtime.end(first, 0);
    assert.equal((await engine.find(first)).state.status, "exited");
    assert.deepEqual([...fixture.namespaces.held], [pod]);
    await engine.start(second);
    assert.equal(await statusOf(engine), "Degraded");
    await engine.pods.stop("web");
    assert.equal(fixture.namespaces.held.size, 0);
  });

  test("that is to stop with its containers does so, once all have ended", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine, { exitPolicy: "stop" });
    const members = [await enter(engine, pod, "aa"), await enter(engine, pod, "bb")];
    await engine.pods.start("web");
    for (const [index, id] of members.entries()) {
      fixture.runtime.end(id, 0);
      await engine.pods.list();
      assert.equal(fixture.namespaces.held.size, 1 - index);
    }
    assert.equal(await statusOf(engine), "Exited");
  });

  test("whose namespaces are gone with the machine's restart gets new ones", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    await enter(engine, pod, "aa");
    await engine.pods.start("web");
    fixture.runtime.runs.clear();
    fixture.namespaces.held.clear();
    const again = fixture.open();
    assert.equal(await statusOf(again), "Exited");
    await again.pods.start("web");
    assert.equal(await statusOf(again), "Running");
    assert.deepEqual([...fixture.namespaces.held], [pod]);
  });

  test("that has lost its namespaces takes no further container while some still run with them", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const [first, second] = [await enter(engine, pod, "aa"), await enter(engine, pod, "bb")];
    await engine.start(first);
    fixture.namespaces.held.clear();
    await assert.rejects(engine.start(second), { code: "conflict", message: /what its containers shared is lost/ });
    await engine.pods.stop("web");
    await engine.pods.start("web");
    assert.equal(await statusOf(engine), "Running");
  });

  test("whose namespaces cannot be made is what it was before", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const id = await enter(engine, pod, "aa");
    fixture.namespaces.failure = new OrlopError("denied", "no namespaces");
    await assert.rejects(engine.start(id), { code: "denied" });
    assert.equal((await engine.find(id)).state.status, "created");
    assert.equal(fixture.namespaces.held.size, 0);
    fixture.namespaces.failure = undefined;
    await engine.start(id);
  });

  test("pauses, goes on and passes signals to all of its containers that run", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const members = [await enter(engine, pod, "aa"), await enter(engine, pod, "bb")];
    await engine.pods.start("web");
    await engine.pods.pause("web");
    assert.equal(await statusOf(engine), "Paused");
    await engine.pods.resume("web");
    fixture.runtime.ignored.add(1);
    await engine.pods.signal("web", 1);
    assert.deepEqual(new Set(fixture.runtime.signals), new Set(members.map((id) => [id, 1])));
    assert.equal(await statusOf(engine), "Running");
  });

  test("with containers that run is removed by force alone", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    await enter(engine, pod, "aa");
    await engine.pods.start("web");
    await assert.rejects(engine.pods.remove("web"), { code: "conflict", message: /its containers aa run/ });
    await engine.pods.remove("web", { force: true });
    assert.deepEqual([await engine.list(), [...fixture.namespaces.held]], [[], []]);
  });
});

describe("containers that prepare for the others", () => {
  test("run one after the other before them, at each start", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const main = await enter(engine, pod, "main");
    const first = await enter(engine, pod, "first", true);
    for (let round = 0; round < 2; round++) {
      const starting = engine.pods.start("web");
      while (!fixture.runtime.runs.has(first)) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(fixture.runtime.runs.has(main), false);
      fixture.runtime.end(first, 0);
      await starting;
      assert.equal((await engine.find(main)).state.status, "running");
      await engine.pods.stop("web");
    }
  });

  test("that fail keep the others from being started", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const main = await enter(engine, pod, "main");
    const first = await enter(engine, pod, "first", true);
    const starting = engine.pods.start("web");
    starting.catch(() => {});
    while (!fixture.runtime.runs.has(first)) await new Promise((resolve) => setImmediate(resolve));
    fixture.runtime.end(first, 3);
    await assert.rejects(starting, { code: "failed", message: /container "first".* exit code 3/ });
    assert.equal((await engine.find(main)).state.status, "created");
  });
});

describe("what a killed process has left of a pod", () => {
  test("is a start that is undone, and a removal that is finished", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    await enter(engine, pod, "aa");
    const set = (phase: string): void => {
      const database = fixture.database();
      database.transaction(() => database.run("update pods set phase = ? where id = ?", phase, pod));
    };
    fixture.namespaces.held.add(pod);
    set("starting");
    assert.equal(await statusOf(engine), "Created");
    assert.equal(fixture.namespaces.held.size, 0);
    set("removing");
    await assert.rejects(engine.start("aa"), { code: "conflict", message: /is being removed/ });
    assert.deepEqual(await engine.pods.list(), []);
    assert.deepEqual(await engine.list(), []);
  });

  test("is swept up where it did not come about", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const stray = join(fixture.directory, "pods", "ab".repeat(32));
    mkdirSync(stray, { recursive: true });
    await makePod(engine);
    assert.equal(existsSync(stray), false);
  });
});

describe("names and members of pods", () => {
  test("are refused when they are taken, unknown or gone", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    await assert.rejects(makePod(engine), { code: "conflict", message: /already in use by pod/ });
    await assert.rejects(engine.pods.find("none"), { code: "not-found", message: "No such pod: none" });
    await engine.pods.remove("web");
    await assert.rejects(enter(engine, pod, "aa"), { code: "not-found" });
    assert.deepEqual(await engine.list(), []);
  });

  test("are told of by events", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    await enter(engine, pod, "aa");
    await engine.pods.start("web");
    await engine.pods.remove("web", { force: true });
    const seen: string[] = [];
    const options = { sinceMs: 0, untilMs: Date.now(), signal: new AbortController().signal };
    for await (const { type, action } of engine.events(options)) if (type === "pod") seen.push(action);
    assert.deepEqual(seen, ["create", "start", "remove"]);
  });
});

describe("containers of a pod that require others", () => {
  test("are removed before them; outside of the pod they keep it from being removed", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const pod = await makePod(engine);
    const db = await enter(engine, pod, "db");
    const made = newContainer({ pod: { id: pod }, network: { kind: "pod", id: pod }, requires: [db] });
    await engine.create("app", async () => made);
    const { id } = await engine.create("outside", async () => newContainer({ requires: [db] }));
    await assert.rejects(engine.pods.remove("web", { force: true }), {
      code: "conflict",
      message: /required by outside/,
    });
    await engine.remove(id);
    await engine.pods.remove("web");
    assert.deepEqual(await engine.list(), []);
  });
});
