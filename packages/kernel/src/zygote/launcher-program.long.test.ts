import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { hostArchitecture } from "../abi/architecture.ts";
import { REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { aliveFrame, begunFrame, encodeProgram, type Program } from "../program/program.ts";
import {
  HELLO_FACTS,
  HELLO_SECTIONS,
  LAUNCHER_NAMESPACES,
  LAUNCHER_TOKEN,
  LAUNCHER_VERSION,
  launcherFile,
} from "./launcher-program.ts";
import { ZygoteChannel } from "./zygote-channel.ts";
import type { Patience } from "./zygote-program.ts";

/** The launcher, its socket's place, and what it says. */
class Place implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "orlop-launcher-"));
  readonly socketPath: string = join(this.directory, "socket");
  readonly launcher: string = join(this.directory, "launcher");

  /** Where nobody serves the call, a script says "alone" or "broken" and the words. */
  constructor(patience?: Patience) {
    const [alone, broken] = ["alone", "broken"].map((name) => this.script(name, `echo ${name}:$*:$FLAVOUR; exit 7`));
    this.write({ alone, broken }, patience === undefined ? {} : { patience });
  }

  script(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  }

  /** The launcher, with what it is to execute. */
  write(
    { alone = "/nowhere", broken = "/nowhere" }: Readonly<Record<string, string | undefined>>,
    more: Pick<Parameters<typeof launcherFile>[0], "tellsSignals" | "patience"> = {},
  ): void {
    const options = { architecture: hostArchitecture(), socketPath: this.socketPath, alone, broken, ...more };
    rmSync(this.launcher, { force: true });
    writeFileSync(this.launcher, launcherFile(options), { mode: 0o755 });
  }

  /** Starts a call with these words. */
  start(words: readonly string[], descriptors: readonly number[] = []): ChildProcess {
    return spawn(this.launcher, words, {
      stdio: ["ignore", "pipe", "inherit", ...descriptors],
      env: { FLAVOUR: "vanilla" },
      cwd: this.directory,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

async function ended(child: ChildProcess): Promise<{ status: number | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output };
}

/** Reads a hello off a socket, section by section. */
async function readHello(socket: Socket): Promise<Map<string, Buffer>> {
  const sections = new Map<string, Buffer>();
  let pending: Buffer = Buffer.alloc(0);
  for (;;) {
    while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32LE(4)) {
      const name = HELLO_SECTIONS[pending.readUInt32LE(0)] ?? "?";
      const end = 8 + pending.readUInt32LE(4);
      sections.set(name, Buffer.concat([sections.get(name) ?? Buffer.alloc(0), pending.subarray(8, end)]));
      pending = pending.subarray(end);
      if (name === "end") return sections;
    }
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await once(socket, "readable");
    else pending = Buffer.concat([pending, chunk]);
  }
}

function programOf(write: (p: ProgramBuilder) => void): Program {
  const p = new ProgramBuilder(hostArchitecture());
  p.step({ action: "test the launcher" });
  write(p);
  return p.build();
}

/** Serves the next caller. */
async function serveOne<T>(place: Place, work: (socket: Socket) => Promise<T>): Promise<T> {
  const server = createServer();
  server.listen(place.socketPath);
  try {
    const [socket] = (await once(server, "connection")) as [Socket];
    return await work(socket);
  } finally {
    server.close();
  }
}

/** Listens in a process of its own, and does then what the text says, with `socket` for who has called. */
async function serveElsewhere(place: Place, text: string): Promise<ChildProcess> {
  const script = `
    const server = require("node:net").createServer((socket) => { socket.resume(); ${text} });
    server.listen(${JSON.stringify(place.socketPath)}, () => console.log("listening"));`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as Readable, "data");
  return child;
}

const PATIENCE: Patience = { turnMs: 50, turns: 3 };

describe("a launcher", () => {
  test("executes Node with the whole call when nobody listens", async () => {
    using place = new Place();
    const { status, output } = await ended(place.start(["run", "a b"]));
    assert.deepEqual([status, output], [7, "alone:run a b:vanilla\n"]);
  });

  test("gives the caller's descriptor 3 to Node", async () => {
    using place = new Place();
    place.write({ alone: place.script("alone", "readlink /proc/self/fd/3") });
    const file = openSync(place.launcher, "r");
    const child = spawn(place.launcher, [], { stdio: ["ignore", "pipe", "inherit", file] });
    assert.equal((await ended(child)).output, `${place.launcher}\n`);
  });

  test("says who calls, with every word of a long command line", async () => {
    using place = new Place();
    const long = "x".repeat(10_000);
    const serving = serveOne(place, async (socket) => {
      const hello = await readHello(socket);
      socket.destroy();
      return hello;
    });
    const call = ended(place.start(["run", long]));
    const hello = await serving;
    const facts = hello.get("facts") as Buffer;
    assert.equal(facts.readUInt32LE(HELLO_FACTS.version), LAUNCHER_VERSION);
    assert.equal(facts.readUInt32LE(HELLO_FACTS.uid), process.geteuid?.());
    assert.ok(facts.readInt32LE(HELLO_FACTS.descriptor) < 0);
    const words = hello.get("arguments")?.toString().split("\0");
    assert.deepEqual(words?.slice(-3), ["run", long, ""]);
    assert.equal(hello.get("environment")?.toString(), "FLAVOUR=vanilla\0");
    assert.equal(hello.get("cwd")?.toString(), `${place.directory}\0`);
    assert.equal(hello.get("root")?.toString(), "/");
    assert.equal(hello.get("cgroups")?.toString(), readFileSync("/proc/self/cgroup", "utf8"));
    assert.match(hello.get("status")?.toString() ?? "", /^Umask:\t\d{4}$/m);
    const own = LAUNCHER_NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`)).join("");
    assert.equal(hello.get("namespaces")?.toString(), own);
    assert.equal((await call).output, `alone:run ${long}:vanilla\n`);
  });

  test("carries out programs as the caller's child, and becomes the last of them", async () => {
    using place = new Place();
    const serving = serveOne(place, async (socket) => {
      await readHello(socket);
      const hands = new ZygoteChannel(socket, LAUNCHER_TOKEN);
      const kinds: string[] = [];
      const said = programOf((p) => {
        p.call("write", [1, p.bytes(Buffer.from("hello\n")), 6]);
        p.call("exit_group", [0]);
      });
      hands.submit(said, ({ kind }) => kinds.push(kind));
      hands.become(
        programOf((p) => p.call("exit_group", [42])),
        ({ kind }) => kinds.push(kind),
      );
      assert.throws(() => hands.submit(said, () => {}), /become/);
      await once(socket, "close");
      return kinds;
    });
    const { status, output } = await ended(place.start(["state"]));
    await serving;
    assert.equal(status, 42);
    assert.ok(output === "hello\n" || output === "", "the child may be slower than its parent");
  });

  test("tells of its signals where it is to, and does nothing else about them", async () => {
    using place = new Place();
    place.write({}, { tellsSignals: true });
    const called = Promise.withResolvers<ChildProcess>();
    const serving = serveOne(place, async (socket) => {
      await readHello(socket);
      const heard = Promise.withResolvers<number>();
      const hands = new ZygoteChannel(socket, LAUNCHER_TOKEN, heard.resolve);
      const nothing = programOf((p) => p.call("exit_group", [0]));
      const begun = Promise.withResolvers<void>();
      hands.submit(nothing, ({ kind }) => kind === "begun" && begun.resolve());
      await begun.promise;
      (await called.promise).kill("SIGINT");
      const signal = await heard.promise;
      hands.become(nothing, () => {});
      await once(socket, "close");
      return signal;
    });
    const child = place.start(["run"]);
    called.resolve(child);
    assert.equal((await ended(child)).status, 0);
    assert.equal(await serving, constants.signals.SIGINT);
  });

  test("executes Node to say so when the call breaks off after it has begun", async () => {
    using place = new Place();
    const serving = serveOne(place, async (socket) => {
      await readHello(socket);
      const hands = new ZygoteChannel(socket, LAUNCHER_TOKEN);
      await new Promise<void>((resolve) => {
        hands.submit(
          programOf((p) => p.call("exit_group", [1])),
          () => resolve(),
        );
      });
      socket.destroy();
    });
    const { status, output } = await ended(place.start(["create"]));
    await serving;
    assert.deepEqual([status, output], [7, "broken:create:vanilla\n"]);
  });

  test("executes Node when a program breaks off in the middle", async () => {
    const program = programOf((p) => p.call("exit_group", [0]));
    const frame = encodeProgram(program, { loadAddress: REQUEST_ADDRESS, token: LAUNCHER_TOKEN, request: 1 });
    for (const [first, flavour] of [
      [[], "alone"],
      [[frame], "broken"],
      [[begunFrame(LAUNCHER_TOKEN)], "broken"],
    ] as const) {
      using place = new Place();
      const serving = serveOne(place, async (socket) => {
        await readHello(socket);
        for (const each of first) socket.write(each);
        socket.end(frame.subarray(0, frame.length - 1));
        // What is not taken would keep the end from being seen.
        socket.resume();
        await once(socket, "close");
      });
      const { status, output } = await ended(place.start(["create"]));
      await serving;
      assert.deepEqual([status, output.split(":")[0]], [7, flavour]);
    }
  });

  test("ends who is there and says nothing, whether it is stopped or stuck, and does without", async () => {
    for (const stop of [true, false]) {
      using place = new Place(PATIENCE);
      const other = await serveElsewhere(place, "for (;;);");
      if (stop) other.kill("SIGSTOP");
      const gone = once(other, "exit");
      const { status, output } = await ended(place.start(["run"]));
      assert.deepEqual([status, output], [7, "alone:run:vanilla\n"]);
      assert.deepEqual(await gone, [null, "SIGKILL"]);
      assert.ok(!existsSync(place.socketPath));
    }
  });

  test("does without whoever is stopped before it has heard all of a long environment", async () => {
    using place = new Place(PATIENCE);
    const other = await serveElsewhere(place, "");
    other.kill("SIGSTOP");
    const long = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`LONG_${index}`, "x".repeat(100_000)]));
    const call = spawn(place.launcher, ["run"], { stdio: ["ignore", "pipe", "inherit"], env: long });
    assert.equal((await ended(call)).output, "alone:run:\n");
    other.kill("SIGKILL");
  });

  test("ends who says nothing in the middle of a call, and has what was begun undone", async () => {
    using place = new Place(PATIENCE);
    const program = programOf((p) => p.call("exit_group", [0]));
    const frame = encodeProgram(program, { loadAddress: REQUEST_ADDRESS, token: LAUNCHER_TOKEN, request: 1 });
    const other = await serveElsewhere(place, `socket.write(Buffer.from("${frame.toString("hex")}", "hex"));`);
    const gone = once(other, "exit");
    const { status, output } = await ended(place.start(["run"]));
    assert.deepEqual([status, output], [7, "broken:run:vanilla\n"]);
    assert.deepEqual(await gone, [null, "SIGKILL"]);
  });

  test("waits for who says that it is there, as long as it does", async () => {
    const patience: Patience = { turnMs: 400, turns: 4 };
    using place = new Place(patience);
    const frame = aliveFrame(LAUNCHER_TOKEN).toString("hex");
    const other = await serveElsewhere(
      place,
      `let told = 0;
      const timer = setInterval(() => {
        socket.write(Buffer.from("${frame}", "hex"));
        if (100 * ++told < ${1.4 * patience.turns * patience.turnMs}) return;
        clearInterval(timer);
        socket.destroy();
        server.close();
      }, 100);`,
    );
    const gone = once(other, "exit");
    assert.equal((await ended(place.start(["run"]))).output, "alone:run:vanilla\n");
    assert.deepEqual(await gone, [0, null]);
  });

  test("has something in the place of standard descriptors that the caller has closed", async () => {
    using place = new Place();
    place.write({ alone: place.script("alone", "(readlink /proc/$$/fd/[0123]) >&4") });
    const script = 'exec 4>&1 0<&- 1>&- 2>&- 3>&-; exec "$@"';
    const child = spawn("/bin/sh", ["-c", script, "sh", place.launcher], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.equal((await ended(child)).output, "/dev/null\n/dev/null\n/dev/null\n");
  });

  test("lets programs ignore no signals, whatever its caller ignores, and hears of them", async () => {
    using place = new Place();
    const kinds: string[] = [];
    const serving = serveOne(place, async (socket) => {
      await readHello(socket);
      const hands = new ZygoteChannel(socket, LAUNCHER_TOKEN);
      const lost = Promise.withResolvers<void>();
      const killed = programOf((p) => {
        p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8), 0, 8]);
        p.call("getpid", [], { into: p.slot("self") });
        p.call("kill", [p.slot("self"), constants.signals.SIGTERM]);
        p.call("exit_group", [0]);
      });
      hands.submit(killed, ({ kind }) => {
        kinds.push(kind);
        if (kind === "ended") lost.resolve();
      });
      await lost.promise;
      hands.become(
        programOf((p) => p.call("exit_group", [42])),
        () => {},
      );
      await once(socket, "close");
    });
    const script = "trap '' TERM CHLD; exec \"$@\"";
    const child = spawn("/bin/sh", ["-c", script, "sh", place.launcher, "state"], { stdio: "ignore" });
    const [status] = (await once(child, "close")) as [number | null];
    await serving;
    assert.deepEqual([status, kinds], [42, ["begun", "ended"]]);
  });

  test("says so when there is nothing to execute", () => {
    using place = new Place();
    place.write({});
    const { status, stderr } = spawnSync(place.launcher, ["state"], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /^orlop-oci: Cannot start: .* nor can Node\.js be executed\n$/);
  });
});
