import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { BUS, DBusConnection } from "./dbus-connection.ts";
import { noBusReason, startBus } from "./dbus-daemon-fixture.ts";
import { dbusErrorName } from "./dbus-error.ts";
import type { DBusMessage } from "./dbus-message.ts";

/** A test over a real dbus-daemon. */
function testOnBus(title: string, body: (address: string, t: TestContext) => Promise<void>): void {
  test(title, async (t) => {
    const reason = noBusReason();
    if (reason === undefined) await body(await startBus(t), t);
    else t.skip(reason);
  });
}

testOnBus("gets a name from the bus and calls its methods, several at once", async (address) => {
  using connection = await DBusConnection.connect({ address });
  assert.match(connection.uniqueName ?? "", /^:\d+\.\d+$/);
  const [names, id] = await Promise.all([
    connection.call({ ...BUS, member: "ListNames" }),
    connection.call({ ...BUS, member: "GetId" }),
  ]);
  assert((names[0] as string[]).includes(connection.uniqueName ?? ""));
  assert.match(String(id[0]), /^[0-9a-f]{32}$/);
});

testOnBus("an error answer keeps its name and gets a code", async (address) => {
  using connection = await DBusConnection.connect({ address });
  const call = { destination: "com.example.Absent", path: "/", interface: "com.example.X", member: "Do" };
  await assert.rejects(connection.call(call), (error) => {
    assert(error instanceof OrlopError);
    assert.equal(error.code, "not-found");
    assert.equal(dbusErrorName(error), "org.freedesktop.DBus.Error.ServiceUnknown");
    assert.match(error.message, /^Cannot call D-Bus method "Do": /);
    return true;
  });
});

testOnBus("two connections call each other, with a body larger than one read", async (address) => {
  using server = await DBusConnection.connect({ address });
  using client = await DBusConnection.connect({ address });
  server.listen((message: DBusMessage) => {
    if (message.type !== "call") return;
    const { sender: destination, serial: replySerial, body, signature } = message;
    server.send({ type: "reply", destination, replySerial, signature, body });
  });
  const body = [new Uint8Array(1_000_000).fill(7), "end"];
  const call = { destination: server.uniqueName ?? "", path: "/", interface: "com.example.X", member: "Echo" };
  assert.deepEqual(await client.call({ ...call, signature: "ays", body }), body);
});

testOnBus("a call that is called off is forgotten, and the connection goes on", async (address) => {
  using silent = await DBusConnection.connect({ address });
  using client = await DBusConnection.connect({ address });
  const call = { destination: silent.uniqueName ?? "", path: "/", interface: "com.example.X", member: "Wait" };
  await assert.rejects(
    client.call(call, AbortSignal.timeout(20)),
    (error) => error instanceof OrlopError && error.code === "cancelled",
  );
  await assert.rejects(client.call(call, AbortSignal.abort()), /called off/);
  assert.equal((await client.call({ ...BUS, member: "GetId" })).length, 1);
});

testOnBus("closing rejects the calls that wait", async (address) => {
  using silent = await DBusConnection.connect({ address });
  const client = await DBusConnection.connect({ address });
  const call = { destination: silent.uniqueName ?? "", path: "/", interface: "com.example.X", member: "Wait" };
  const waiting = client.call(call);
  client.close();
  await assert.rejects(waiting, /closed here/);
  await assert.rejects(client.call(call), /closed here/);
  assert(client.ended.aborted);
});

testOnBus("a signal that aborts after connecting does not end the connection", async (address) => {
  const controller = new AbortController();
  using connection = await DBusConnection.connect({ address, signal: controller.signal });
  controller.abort();
  assert.equal((await connection.call({ ...BUS, member: "GetId" })).length, 1);
});

testOnBus("another user's id is not accepted", async (address) => {
  const uid = (process.geteuid?.() ?? 0) + 1;
  await assert.rejects(
    DBusConnection.connect({ address, uid }),
    (error) => error instanceof OrlopError && error.code === "denied",
  );
});

test("an address where nobody listens is not found", async () => {
  await assert.rejects(
    DBusConnection.connect({ address: "unix:path=/nonexistent/bus" }),
    (error) => error instanceof OrlopError && error.code === "not-found" && /ENOENT/.test(error.message),
  );
});

/** A server that answers what it is told to the first bytes; gives its address. */
async function serve(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-dbus-"));
  const path = join(directory, "socket");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  }).listen(path);
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return `unix:path=${path}`;
}

for (const [title, line, code] of [
  ["a refusal", "REJECTED EXTERNAL\r\n", "denied"],
  ["something else", "HTTP/1.1 400 Bad Request\r\n", "failed"],
  ["a line without end", "x".repeat(20_000), "failed"],
] as const) {
  test(`${title} in answer to the authentication ends it`, async (t) => {
    const address = await serve(t, (socket) => socket.write(line));
    await assert.rejects(
      DBusConnection.connect({ address, bus: false }),
      (error) => error instanceof OrlopError && error.code === code,
    );
  });
}

test("a server that hangs up ends it", async (t) => {
  const address = await serve(t, (socket) => socket.end());
  await assert.rejects(DBusConnection.connect({ address, bus: false }), /closed the connection/);
});

test("a server that says nothing is waited for as long as the signal says", async (t) => {
  const address = await serve(t, () => {});
  const connecting = DBusConnection.connect({ address, bus: false, signal: AbortSignal.timeout(20) });
  await assert.rejects(connecting, (error) => error instanceof OrlopError && error.code === "cancelled");
});

test("bytes that are no message end the connection and its calls", async (t) => {
  const address = await serve(t, (socket) => {
    socket.write("OK 0123456789abcdef0123456789abcdef\r\n");
    socket.once("data", () => socket.write("this is no message"));
  });
  using connection = await DBusConnection.connect({ address, bus: false });
  const call = connection.call({ path: "/", interface: "com.example.X", member: "Do" });
  await assert.rejects(call, /no byte order is marked/);
});
