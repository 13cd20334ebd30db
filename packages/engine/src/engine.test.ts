import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { EngineFixture, newContainer } from "./engine-fixture.ts";
import { noteUnmade } from "./life/sweep-unmade.ts";
import { lockPath } from "./state/container-places.ts";
import type { EngineEvent } from "./state/event-rows.ts";

const made = async (): Promise<ReturnType<typeof newContainer>> => newContainer();

describe("a container", () => {
  test("is made, started, waited for and removed, each seen by another engine on the same state", async () => {
    using fixture = new EngineFixture();
    const [one, other] = [fixture.open(), fixture.open()];
    const { id } = await one.create("box", made);
    assert.equal((await other.find("box")).state.status, "created");
    await other.start(id.slice(0, 12));
    assert.equal((await one.find("box")).state.status, "running");
    const waiting = one.wait("box");
    fixture.runtime.end(id, 7);
    assert.equal(await waiting, 7);
    const { state } = await other.find(id);
    assert.deepEqual([state.status, state.exitCode, state.pid], ["exited", 7, undefined]);
    assert.equal(fixture.runtime.runs.size, 0, "nothing is kept of the run");
    await other.remove("box");
    await assert.rejects(one.find("box"), { code: "not-found", message: "No such container: box" });
    assert.deepEqual(fixture.removedRoots, [{ kind: "host" }]);
    assert.equal(existsSync(join(fixture.directory, "containers", id)), false);
  });

  test("is the same object in the next list as long as nothing of it has changed, whoever changes it", async () => {
    using fixture = new EngineFixture();
    const [one, other] = [fixture.open(), fixture.open()];
    await one.create("idle", made);
    const { id } = await one.create("box", made);
    const first = await one.list();
    assert.deepEqual(await one.list(), first);
    await other.start(id);
    const [box, idle] = await one.list();
    assert.equal(box?.state.status, "running");
    assert.equal(idle, first[1]);
    await other.rename(id, "crate");
    assert.deepEqual(
      (await one.list()).map(({ name }) => name),
      ["crate", "idle"],
    );
    await other.remove("idle");
    assert.deepEqual(
      (await one.list()).map(({ name }) => name),
      ["crate"],
    );
  });

  test("that ended while nobody looked is found to have ended, with its exit code", async () => {
    using fixture = new EngineFixture();
    const { id } = await fixture.open().create(undefined, made);
    await fixture.open().start(id);
    fixture.runtime.end(id, 3);
    const [listed] = await fixture.open().list();
    assert.deepEqual([listed?.state.status, listed?.state.exitCode], ["exited", 3]);
  });

  test("whose run is lost, as by a power cut, has ended with 255", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    await engine.start(id);
    fixture.runtime.runs.clear();
    assert.equal((await fixture.open().find("box")).state.exitCode, 255);
    await engine.start(id);
    assert.equal((await engine.find("box")).state.status, "running");
  });

  test("keeps its exit code when whoever records it is killed in between", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    for (const exitCode of [3, 4]) {
      await engine.start(id);
      fixture.runtime.end(id, exitCode);
      fixture.runtime.dieAfterDelete = true;
      await assert.rejects(fixture.open().find("box"), /^Error: killed$/);
      fixture.runtime.dieAfterDelete = false;
      const { state } = await fixture.open().find("box");
      assert.deepEqual([state.status, state.exitCode, state.error], ["exited", exitCode, ""]);
    }
    await engine.start(id);
    fixture.runtime.runs.clear();
    assert.equal((await fixture.open().find("box")).state.exitCode, 255, "that of an earlier run is not its own");
  });

  test("whose watcher was killed is found to run, and then to have ended as nobody knows", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    await engine.start(id);
    fixture.runtime.lose(id, true);
    const waiting = fixture.open().wait("box");
    assert.equal((await engine.find("box")).state.status, "running");
    fixture.runtime.lose(id, false);
    assert.equal(await waiting, 255);
    const [listed] = await fixture.open().list();
    assert.deepEqual([listed?.state.status, listed?.state.error], ["exited", "how it ended is lost"]);
    await engine.start(id);
    fixture.runtime.lose(id, true);
    assert.equal((await engine.stop("box")).state.exitCode, 255);
    await engine.remove("box");
    assert.deepEqual(readdirSync(join(fixture.directory, "locks")), [], "locks go with their containers");
  });

  test("that cannot be started says why, and can be started later", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await engine.create("box", made);
    fixture.runtime.failure = new OrlopError("executable-not-found", "no such program");
    await assert.rejects(engine.start("box"), { code: "executable-not-found" });
    const { state } = await engine.find("box");
    assert.deepEqual([state.status, state.error, state.exitCode], ["created", "no such program", 127]);
    fixture.runtime.failure = undefined;
    await engine.start("box");
    assert.equal((await engine.find("box")).state.error, "");
  });

  test("is left as it is by a second start", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    await engine.start("box");
    await engine.start("box");
    assert.deepEqual([...fixture.runtime.runs.keys()], [id]);
  });

  test("is not removed while it runs, unless by force", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    await engine.start("box");
    await assert.rejects(engine.remove("box"), { code: "conflict", message: /is running: stop the container before/ });
    await engine.remove("box", { force: true });
    assert.deepEqual(fixture.runtime.signals, [[id, 9]]);
    assert.deepEqual(await engine.list(), []);
  });

  test("whose making fails leaves nothing", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    let directory = "";
    const failing = engine.create("box", async (draft) => {
      directory = draft.directory;
      assert.ok(existsSync(directory));
      throw new OrlopError("invalid", "no such image");
    });
    await assert.rejects(failing, { message: "no such image" });
    assert.equal(existsSync(directory), false);
    assert.deepEqual(await engine.list(), []);
  });
});

test("what is left of a container whose maker was killed goes with the next one", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const { id: kept } = await engine.create("box", made);
  noteUnmade(fixture, "f".repeat(64));
  mkdirSync(join(fixture.directory, "containers", "f".repeat(64), "files"), { recursive: true });
  writeFileSync(lockPath(fixture.directory, "f".repeat(64)), "");
  const { id } = await engine.create("other", made);
  assert.deepEqual(readdirSync(join(fixture.directory, "containers")).sort(), [kept, id].sort());
  assert.deepEqual(fixture.discarded, ["f".repeat(64)]);
  assert.deepEqual(readdirSync(join(fixture.directory, "unmade")), []);
  assert.equal(existsSync(lockPath(fixture.directory, "f".repeat(64))), false);
});

test("a container is noted from the beginning of its removal to the end of its lock", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const { id } = await engine.create("box", made);
  const noted = (): readonly string[] => readdirSync(join(fixture.directory, "unmade"));
  fixture.onRootRemoved = () => assert.deepEqual(noted(), [id]);
  await engine.remove("box");
  assert.equal(fixture.removedRoots.length, 1);
  assert.deepEqual(noted(), []);
  assert.equal(existsSync(lockPath(fixture.directory, id)), false);
});

describe("a stop", () => {
  test("sends the container's own signal, and kills what takes too long", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", async () => newContainer({ stopSignal: 3, stopTimeoutMs: 1 }));
    await engine.start("box");
    fixture.runtime.ignored.add(3);
    const { state } = await engine.stop("box");
    assert.deepEqual(fixture.runtime.signals, [
      [id, 3],
      [id, 9],
    ]);
    assert.deepEqual([state.status, state.exitCode, state.isStoppedByUser], ["exited", 137, true]);
  });

  test("of what does not run changes nothing", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await engine.create("box", made);
    assert.equal((await engine.stop("box")).state.status, "created");
  });
});

describe("names and ids", () => {
  test("are found by a name first, then by the beginning of an id that is one's alone", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const ids = [];
    for (let count = 0; count < 17; count++) ids.push((await engine.create(undefined, made)).id);
    const digits = ids.map((id) => id[0] ?? "");
    const shared = digits.find((digit, index) => digits.indexOf(digit) !== index) ?? "";
    await assert.rejects(engine.find(shared), { code: "conflict", message: /Try more digits/ });
    await engine.create(shared.repeat(2), made);
    assert.equal((await engine.find(shared.repeat(2))).name, shared.repeat(2));
    await assert.rejects(engine.find("no such"), { code: "not-found" });
    assert.equal(new Set((await engine.list()).map(({ name }) => name)).size, 18, "each has a name of its own");
  });

  test("are given once", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", made);
    const message = new RegExp(`^Cannot use name "box": it is already in use by container "${id}"`);
    await assert.rejects(engine.create("box", made), { code: "conflict", message });
    await engine.create("other", made);
    await assert.rejects(engine.rename("other", "box"), { code: "conflict", message });
    await engine.rename("box", "third");
    await engine.rename("other", "box");
    assert.equal((await engine.find("third")).id, id);
  });
});

test("a container stands still and goes on", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  await engine.create("box", made);
  await assert.rejects(engine.pause("box"), {
    code: "conflict",
    message: 'Cannot pause container "box": it is created',
  });
  await engine.start("box");
  await engine.pause("box");
  assert.equal((await fixture.open().find("box")).state.status, "paused");
  await assert.rejects(engine.pause("box"), { code: "conflict" });
  await engine.resume("box");
  assert.equal((await engine.find("box")).state.status, "running");
});

test("limits that are changed hold for the next run, too", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const container = await engine.create("box", made);
  await engine.update("box", { resources: { memory: { limit: 1024 }, pids: { limit: 7 } } });
  await engine.update("box", { resources: { memory: { swap: 2048 } } });
  assert.deepEqual(engine.spec(container)?.linux?.resources, {
    memory: { limit: 1024, swap: 2048 },
    pids: { limit: 7 },
  });
});

test("a restart policy that is changed has it looked after, but not one that goes when it ends", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  await engine.create("box", made);
  await engine.start("box");
  assert.equal(engine.needsAttendant, false);
  await engine.update("box", { restart: { name: "always" } });
  assert.equal(fixture.open().needsAttendant, true);
  assert.deepEqual((await fixture.open().find("box")).restart, { name: "always" });
  await engine.create("brief", async () => newContainer({ autoRemove: true }));
  await assert.rejects(engine.update("brief", { restart: { name: "always" } }), {
    code: "conflict",
    message: "Restart policy cannot be updated because AutoRemove is enabled for the container",
  });
});

describe("who looks after containers", () => {
  test("starts again what fails, as often as its policy says", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const restart = { name: "on-failure", maximumRetryCount: 1 } as const;
    const { id } = await engine.create("box", async () => newContainer({ restart }));
    await engine.start("box");
    const attended = fixture.open().attend(new AbortController().signal);
    const first = fixture.runtime.runs.get(id);
    fixture.runtime.end(id, 1);
    await until(() => fixture.runtime.runs.get(id) !== undefined && fixture.runtime.runs.get(id) !== first);
    await until(async () => (await engine.find("box")).state.status === "running");
    fixture.runtime.end(id, 2);
    await attended;
    const { state } = await engine.find("box");
    assert.deepEqual([state.status, state.exitCode, state.restartCount], ["exited", 2, 1]);
  });

  test("comes to what has ended before it came", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const restart = { name: "on-failure", maximumRetryCount: 1 } as const;
    const { id } = await engine.create("box", async () => newContainer({ restart }));
    const gone = await engine.create("gone", async () => newContainer({ autoRemove: true }));
    for (const name of ["box", "gone"]) await engine.start(name);
    for (const each of [id, gone.id]) fixture.runtime.end(each, 1);
    assert.deepEqual((await engine.list()).map(({ state }) => state.status).sort(), ["exited", "restarting"]);
    const attended = fixture.open().attend(new AbortController().signal);
    await until(async () => (await engine.find("box")).state.status === "running");
    fixture.runtime.end(id, 2);
    await attended;
    assert.deepEqual(
      (await engine.list()).map(({ name, state }) => [name, state.exitCode]),
      [["box", 2]],
    );
  });

  test("leaves alone what somebody has stopped", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await engine.create("box", async () => newContainer({ restart: { name: "always" } }));
    await engine.start("box");
    assert.equal(engine.needsAttendant, true);
    const attended = fixture.open().attend(new AbortController().signal);
    await engine.stop("box");
    await attended;
    assert.equal((await engine.find("box")).state.status, "exited");
    assert.equal(engine.needsAttendant, false);
  });

  test("removes what is to be gone with its end", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", async () => newContainer({ autoRemove: true }));
    await engine.start("box");
    const attended = fixture.open().attend(new AbortController().signal);
    fixture.runtime.end(id, 0);
    await attended;
    assert.deepEqual(await engine.list(), []);
  });
});

test("events tell what has happened, to whoever asks", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { action } of fixture.open().events({ sinceMs: 0, signal: stop.signal })) {
      if (seen.push(action) === 6) stop.abort();
    }
  })();
  const { id } = await engine.create("box", async () => newContainer({ labels: { team: "a" } }));
  await engine.start("box");
  await engine.pause("box");
  await engine.resume("box");
  fixture.runtime.end(id, 5);
  await engine.wait("box");
  await engine.remove("box");
  await following;
  assert.deepEqual(seen, ["create", "start", "pause", "unpause", "die", "destroy"]);
  const { attributes } = await lastOf(
    engine.events({ sinceMs: 0, untilMs: Date.now(), signal: new AbortController().signal }),
    "die",
  );
  assert.deepEqual(attributes, { team: "a", image: "host", name: "box", exitCode: "5" });
});

async function lastOf(events: AsyncIterable<EngineEvent>, action: string): Promise<EngineEvent> {
  const found: EngineEvent[] = [];
  for await (const event of events) if (event.action === action) found.push(event);
  const [event] = found;
  assert.ok(event);
  return event;
}

/** Resolves when it is so; the test's own time limit ends the wait. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setImmediate();
}
