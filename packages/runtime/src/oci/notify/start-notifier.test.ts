import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emitReport, hostArchitecture, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { FollowedProgram } from "../../process/followed-program.ts";
import { LocalHands } from "../local-hands.ts";
import { NOTIFY_SOCKET } from "./notify-mount.ts";
import type { NotifyPlan } from "./notify-program.ts";
import { startNotifier } from "./start-notifier.ts";
import { unixAddress } from "./unix-address.ts";

function program(write: (p: ProgramBuilder) => void): Program {
  const p = new ProgramBuilder(hostArchitecture());
  p.step({ action: "be the other side" });
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_DGRAM|SOCK_CLOEXEC"), 0], { into: p.slot("socket") });
  write(p);
  // Before anybody hears of the end, and not at some time after it.
  p.call("close", [p.slot("socket")]);
  emitReport(p, reportBuffer(p), "ended");
  p.call("exit_group", [0]);
  return p.build();
}

/** A service manager that writes down `count` datagrams, each with a line of dashes behind it. */
const managerProgram = (name: string, file: string, count: number): Program =>
  program((p) => {
    const address = unixAddress(name);
    const datagram = p.buffer(4096, "<datagram>");
    p.call("bind", [p.slot("socket"), p.bytes(address), address.length]);
    const flags = p.flags("O_WRONLY|O_CREAT|O_CLOEXEC");
    p.call("openat", [p.flags("AT_FDCWD"), p.text(file), flags, p.number(0o600)], { into: p.slot("file") });
    emitReport(p, reportBuffer(p), "created");
    for (let index = 0; index < count; index++) {
      // A descriptor that comes along is closed, as nobody asks for it.
      p.call("recvfrom", [p.slot("socket"), datagram, 4096, 0, 0, 0], { into: p.slot("length") });
      p.call("write", [p.slot("file"), datagram, p.slot("length")]);
      p.call("write", [p.slot("file"), p.text("\n---\n"), 5]);
    }
  });

const containerProgram = (path: string, datagrams: readonly string[]): Program =>
  program((p) => {
    const address = unixAddress(path);
    p.call("connect", [p.slot("socket"), p.bytes(address), address.length]);
    for (const datagram of datagrams) {
      const text = Buffer.from(datagram);
      p.call("sendto", [p.slot("socket"), p.bytes(text), text.length, 0, 0, 0]);
    }
  });

interface Scene {
  readonly hands: LocalHands;
  readonly directory: string;
  readonly plan: NotifyPlan;
  run(program: Program): FollowedProgram;
}

async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const hands = new LocalHands();
    const plan = {
      directory: join(directory, "notify"),
      manager: join(directory, "manager.sock"),
      container: process.pid,
      mainPid: 4711,
      sender: process.pid,
    };
    mkdirSync(plan.directory, { mode: 0o755 });
    const run = (program: Program): FollowedProgram => {
      const followed = new FollowedProgram(program);
      hands.submit(program, followed.onReport);
      return followed;
    };
    try {
      await work({ hands, directory, plan, run });
    } finally {
      hands.close();
    }
  });
}

for (const [title, name] of [
  ["a path", undefined],
  ["an abstract socket", `@orlop-notify-${process.pid}`],
] as const) {
  test(`tells the service manager at ${title} that the container is ready, and nothing else it says`, async () => {
    await scene(async ({ hands, directory, plan, run }) => {
      const said = join(directory, "said");
      const address = name ?? plan.manager;
      const manager = run(managerProgram(address, said, 2));
      await manager.created.promise;
      const { done } = await startNotifier(hands, { ...plan, manager: address });
      const socket = join(plan.directory, NOTIFY_SOCKET);
      assert.equal(statSync(socket).mode & 0o777, 0o777);
      const datagrams = ["STATUS=starting", "READY=10\nXREADY=1", "", "STOPPING=1\nREADY=1\nMAINPID=1", "READY=1"];
      run(containerProgram(socket, datagrams));
      await Promise.all([done, manager.ended.promise]);
      assert.equal(readFileSync(said, "utf8"), "READY=1\nMAINPID=4711\n\n---\nBARRIER=1\n---\n");
    });
  });
}

test("says nothing of a process to watch where there is no other one", async () => {
  await scene(async ({ hands, directory, plan: { mainPid: _, ...plan }, run }) => {
    const said = join(directory, "said");
    const manager = run(managerProgram(plan.manager, said, 2));
    await manager.created.promise;
    const { done } = await startNotifier(hands, plan);
    run(containerProgram(join(plan.directory, NOTIFY_SOCKET), ["READY=1"]));
    await Promise.all([done, manager.ended.promise]);
    assert.equal(readFileSync(said, "utf8"), "READY=1\n---\nBARRIER=1\n---\n");
  });
});

test("gives the container its socket where the service manager has gone, and tells of that", async () => {
  await scene(async ({ hands, directory, plan, run }) => {
    const manager = run(managerProgram(plan.manager, join(directory, "said"), 0));
    await manager.ended.promise;
    const { done } = await startNotifier(hands, plan);
    run(containerProgram(join(plan.directory, NOTIFY_SOCKET), ["READY=1"]));
    await assert.rejects(done, /^OrlopError: Cannot connect to service manager ".*": connection refused/);
  });
});

test("is content when the container ends without a word", async () => {
  await scene(async ({ hands, directory, plan, run }) => {
    const manager = run(managerProgram(plan.manager, join(directory, "said"), 1));
    await manager.created.promise;
    const container = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
    const { done } = await startNotifier(hands, { ...plan, container: container.pid ?? 0 });
    container.stdin.end();
    await done;
    // Only what is sent here arrives there.
    run(containerProgram(plan.manager, ["end"]));
    await manager.ended.promise;
    assert.equal(readFileSync(join(directory, "said"), "utf8"), "end\n---\n");
  });
});

test("refuses names that no socket can have", () => {
  for (const name of ["", "@", "x".repeat(108), "a\0b"]) {
    assert.throws(() => unixAddress(name), { code: "invalid" });
  }
  assert.equal(unixAddress(`@${"x".repeat(107)}`).length, 110);
});
