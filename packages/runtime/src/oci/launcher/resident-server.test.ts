import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { describe, mock, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { isListening } from "./is-listening.ts";
import { type LauncherPlace, launcherPlace } from "./launcher-place.ts";
import { ResidentServer, type Served } from "./resident-server.ts";

const LONG_MS = 3_600_000;

type Options = Partial<ConstructorParameters<typeof ResidentServer>[0]>;

/** Serves each caller until that one leaves. */
function serverAt(place: LauncherPlace, options: Options = {}): ResidentServer {
  const serve = async (socket: Socket): Promise<Served> => {
    socket.resume().on("error", () => {});
    await new Promise<void>((resolve) => socket.on("close", () => resolve()));
    return "served";
  };
  const onFailure = (): void => {};
  return new ResidentServer({ place, idleMs: LONG_MS, yieldMs: LONG_MS, callsMax: 10, serve, onFailure, ...options });
}

/** Has each caller go, and tells what became of it. */
function endsAs(outcome: () => Served): (socket: Socket) => Promise<Served> {
  return async (socket) => {
    socket.destroy();
    return outcome();
  };
}

async function isTurnedAway(place: LauncherPlace): Promise<void> {
  await once((await call(place)).resume(), "close");
}

async function withPlace(work: (place: LauncherPlace) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (runtime) => {
    const place = launcherPlace("/a/bin", { XDG_RUNTIME_DIR: runtime }, false);
    assert.ok(place !== undefined);
    await work(place);
  });
}

async function call(place: LauncherPlace): Promise<Socket> {
  const socket = createConnection(place.socket).on("error", () => {});
  await once(socket, "connect");
  return socket;
}

describe("a resident process", () => {
  test("leaves when nobody has called for a while, and takes everything with it", async () => {
    await withPlace(async (place) => {
      const server = serverAt(place, { idleMs: 1 });
      await server.listen();
      await server.left;
      assert.equal(existsSync(place.directory), false);
    });
  });

  test("does not leave while it serves, and not before it has served", async () => {
    await withPlace(async (place) => {
      const server = serverAt(place);
      await server.listen();
      const caller = await call(place);
      server.leave();
      assert.equal(await isListening(place.socket), false);
      assert.equal(await Promise.race([server.left.then(() => "left"), "serves"]), "serves");
      caller.end();
      await server.left;
    });
  });

  test("makes room for a caller that it has to decline, unless it has served others lately", async () => {
    await withPlace(async (place) => {
      mock.timers.enable({ apis: ["Date"] });
      try {
        let outcome: Served = "declined";
        const server = serverAt(place, { yieldMs: 1000, serve: endsAs(() => outcome) });
        await server.listen();
        mock.timers.tick(999);
        await isTurnedAway(place);
        outcome = "served";
        await isTurnedAway(place);
        mock.timers.tick(999);
        outcome = "declined";
        await isTurnedAway(place);
        mock.timers.tick(1);
        // Who only looks whether it is there needs no room.
        outcome = "nobody";
        await isTurnedAway(place);
        assert.ok(await isListening(place.socket));
        outcome = "declined";
        await isTurnedAway(place);
        await server.left;
      } finally {
        mock.timers.reset();
      }
    });
  });

  test("does not stay for callers that it declines, nor for those who look whether it is there", async () => {
    await withPlace(async (place) => {
      mock.timers.enable({ apis: ["Date", "setTimeout"] });
      try {
        let outcome: Served = "declined";
        const server = serverAt(place, { idleMs: 1000, serve: endsAs(() => outcome) });
        await server.listen();
        for (outcome of ["declined", "nobody"] as const) {
          mock.timers.tick(499);
          await isTurnedAway(place);
        }
        assert.ok(await isListening(place.socket));
        mock.timers.tick(2);
        await server.left;
      } finally {
        mock.timers.reset();
      }
    });
  });

  test("is one: who finds another does not stay, and who is replaced leaves", async () => {
    await withPlace(async (place) => {
      const first = serverAt(place);
      await first.listen();
      const second = serverAt(place);
      await second.listen();
      await second.left;
      assert.ok(await isListening(place.socket));
      // As one that began to listen at the same moment would.
      writeFileSync(`${place.socket}.other`, "");
      renameSync(`${place.socket}.other`, place.socket);
      await first.left;
      assert.deepEqual(readdirSync(place.directory), ["socket"]);
    });
  });

  test("takes the place of one that was killed", async () => {
    await withPlace(async (place) => {
      const killed = serverAt(place);
      await killed.listen();
      renameSync(place.socket, `${place.socket}.kept`);
      await killed.left;
      renameSync(`${place.socket}.kept`, place.socket);
      assert.equal(await isListening(place.socket), false);
      const next = serverAt(place);
      await next.listen();
      assert.ok(await isListening(place.socket));
      next.leave();
      await next.left;
    });
  });

  test("turns away who comes when it serves as many as it will", async () => {
    await withPlace(async (place) => {
      const server = serverAt(place, { callsMax: 2 });
      await server.listen();
      const callers = [await call(place), await call(place)];
      const turnedAway = (await call(place)).resume();
      await once(turnedAway, "close");
      for (const caller of callers) {
        assert.equal(caller.readyState, "open");
        caller.end();
        await once(caller.resume(), "close");
      }
      server.leave();
      await server.left;
    });
  });

  test("goes on after a call that fails in a way nobody foresaw", async () => {
    await withPlace(async (place) => {
      const failures: unknown[] = [];
      const serve = async (): Promise<Served> => {
        throw new Error("unforeseen");
      };
      const server = serverAt(place, { serve, onFailure: (error) => failures.push(error) });
      await server.listen();
      for (let index = 0; index < 2; index++) {
        const caller = await call(place);
        await once(caller.resume(), "close");
      }
      assert.equal(failures.length, 2);
      server.leave();
      await server.left;
    });
  });
});
