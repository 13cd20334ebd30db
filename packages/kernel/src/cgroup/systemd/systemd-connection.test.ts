import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { noBusReason, startBus } from "../../dbus/dbus-daemon-fixture.ts";
import { FakeSystemd } from "./fake-systemd-fixture.ts";
import { planSystemdUnit } from "./plan-systemd-unit.ts";
import { startPrivateSocket } from "./private-socket-fixture.ts";
import { SystemdConnection, systemdAddresses, systemdMajorVersion } from "./systemd-connection.ts";
import { updateSystemdUnit } from "./update-systemd-unit.ts";

/** There is no systemd in most places where tests run; its part is played on a bus of the test's own. */
function testWithSystemd(
  title: string,
  body: (manager: SystemdConnection, systemd: FakeSystemd, t: TestContext) => Promise<void>,
): void {
  test(title, async (t) => {
    const reason = noBusReason();
    if (reason !== undefined) return t.skip(reason);
    const address = await startBus(t);
    const systemd = await FakeSystemd.start(address);
    t.after(() => systemd.close());
    using manager = await SystemdConnection.connect([
      { address: "unix:path=/nonexistent/private", bus: false },
      { address, bus: true },
    ]);
    await body(manager, systemd, t);
  });
}

function unit(manager: SystemdConnection, name: string = "web"): ReturnType<typeof planSystemdUnit> {
  const scope = { slice: "a.slice", prefix: "p", name };
  return planSystemdUnit(
    scope,
    { memory: { limit: 4096 } },
    { cgroupVersion: 2, systemdVersion: manager.version, containerId: name, annotations: {} },
  );
}

testWithSystemd("knows the version and the cgroup of the instance it found", async (manager) => {
  assert.equal(manager.version, 252);
  assert.equal(manager.controlGroup, "/");
});

testWithSystemd("starts a scope and waits for its job", async (manager, systemd) => {
  await manager.startTransientUnit(unit(manager), [42]);
  assert.equal(systemd.units.get("p-web.scope"), "active");
  const start = systemd.seen.find(({ member }) => member === "StartTransientUnit");
  const [name, mode, properties, auxiliary] = start?.body ?? [];
  assert.deepEqual([name, mode, auxiliary], ["p-web.scope", "replace", []]);
  const values = new Map(properties as [string, unknown][]);
  assert.deepEqual(values.get("PIDs"), { signature: "au", value: [42] });
  assert.deepEqual(values.get("MemoryMax"), { signature: "t", value: 4096n });
});

testWithSystemd("resets a failed unit of the same name and starts anew", async (manager, systemd) => {
  systemd.units.set("p-web.scope", "failed");
  await manager.startTransientUnit(unit(manager), [42]);
  assert.equal(systemd.units.get("p-web.scope"), "active");
});

testWithSystemd("a unit of that name that is alive is an error", async (manager, systemd) => {
  systemd.units.set("p-web.scope", "active");
  await assert.rejects(
    manager.startTransientUnit(unit(manager), [42]),
    (error) => error instanceof OrlopError && error.code === "exists",
  );
});

testWithSystemd("a job that does not end as done is an error with its result", async (manager, systemd) => {
  systemd.result = "failed";
  await assert.rejects(
    manager.startTransientUnit(unit(manager), [42]),
    /^OrlopError: Cannot start systemd unit "p-web\.scope": its job ended as "failed"$/,
  );
});

testWithSystemd("waiting for a job can be called off", async (manager, systemd) => {
  systemd.result = "never";
  await assert.rejects(
    manager.startTransientUnit(unit(manager), [42], AbortSignal.timeout(30)),
    (error) => error instanceof OrlopError && error.code === "cancelled",
  );
});

testWithSystemd("a lost connection ends the wait for a job", async (manager, systemd) => {
  systemd.result = "never";
  const starting = manager.startTransientUnit(unit(manager), [42]);
  // Answers come in order: by the time of this one the job is known, and waited for.
  await manager.resetFailedUnit("another.scope");
  manager.close();
  await assert.rejects(starting, /the connection to systemd was lost/);
});

testWithSystemd("several units start at once, each waiting for its own job", async (manager, systemd) => {
  await Promise.all(["a", "b", "c"].map((name) => manager.startTransientUnit(unit(manager, name), [42])));
  assert.equal(systemd.units.size, 3);
});

testWithSystemd("a signal that somebody sent past the match rule is not believed", async (manager, systemd, t) => {
  systemd.result = "never";
  const starting = manager.startTransientUnit(unit(manager), [42], AbortSignal.timeout(100));
  const forge = setInterval(() => {
    for (const destination of [":1.0", ":1.1", ":1.2"]) {
      systemd.sendJobRemoved([1, "/org/freedesktop/systemd1/job/1", "p-web.scope", "done"], destination);
    }
  }, 5);
  t.after(() => clearInterval(forge));
  await assert.rejects(starting, (error) => error instanceof OrlopError && error.code === "cancelled");
});

testWithSystemd("stops a unit, and one that is gone is fine", async (manager, systemd) => {
  await manager.startTransientUnit(unit(manager), [42]);
  await manager.stopUnit("p-web.scope");
  assert.equal(systemd.units.size, 0);
  await manager.stopUnit("p-web.scope");
  await manager.resetFailedUnit("p-web.scope");
});

testWithSystemd(
  "an update stops the processes of version 1 while systemd sets its rules",
  async (manager, systemd, t) => {
    const path = mkdtempSync(join(tmpdir(), "orlop-freezer-"));
    t.after(() => rmSync(path, { recursive: true }));
    writeFileSync(`${path}/freezer.state`, "THAWED");
    const controllers = ["freezer", "pids"];
    const directories = [{ version: 1, label: "freezer", controllers, path, noPrefix: false }] as const;
    systemd.onCall = (member) => states.push(`${member} ${readFileSync(`${path}/freezer.state`, "utf8")}`);
    const states: string[] = [];
    const place = { unit: "p-web.scope", cgroupVersion: 1, directories, rootless: false } as const;
    const update = { ...place, resources: { pids: { limit: 5 } } };
    await updateSystemdUnit(manager, update);
    assert.deepEqual(states, ["SetUnitProperties FROZEN"]);
    assert.equal(readFileSync(`${path}/freezer.state`, "utf8"), "THAWED");
    await updateSystemdUnit(manager, { ...update, resources: {} });
    await assert.rejects(
      updateSystemdUnit(manager, { ...update, resources: { cpu: { shares: 5 } } }),
      /in no cgroup with/,
    );
    assert.equal(states.length, 1);
  },
);

testWithSystemd("changes properties and attaches processes", async (manager, systemd) => {
  await manager.setUnitProperties("p-web.scope", [{ name: "TasksMax", value: { signature: "t", value: 5n } }]);
  await manager.attachProcesses("p-web.scope", "/below", [7, 8]);
  assert.deepEqual(systemd.seen.slice(-2), [
    { member: "SetUnitProperties", body: ["p-web.scope", true, [["TasksMax", { signature: "t", value: 5n }]]] },
    { member: "AttachProcessesToUnit", body: ["p-web.scope", "/below", [7, 8]] },
  ]);
});

test("asks systemd's own socket so that nothing lies there unread", async (t) => {
  const address = await startPrivateSocket(t);
  using manager = await SystemdConnection.connect([{ address, bus: false }]);
  assert.deepEqual([manager.version, manager.controlGroup], [252, "/"]);
});

test("systemd's own socket comes before the bus, and the user's before the system's for rootless", () => {
  assert.deepEqual(systemdAddresses(false, {}, 0), [
    { address: "unix:path=/run/systemd/private", bus: false },
    { address: "unix:path=/run/dbus/system_bus_socket", bus: true },
  ]);
  assert.deepEqual(systemdAddresses(true, { DBUS_SESSION_BUS_ADDRESS: "unix:path=/b" }, 1000), [
    { address: "unix:path=/run/user/1000/systemd/private", bus: false },
    { address: "unix:path=/b", bus: true },
  ]);
});

test("versions are read as distributions write them", () => {
  assert.deepEqual(["252.38-1~deb12u1", "v245.4-4ubuntu3", "256"].map(systemdMajorVersion), [252, 245, 256]);
  assert.throws(() => systemdMajorVersion("unknown"), OrlopError);
});
