import assert from "node:assert/strict";
import { constants } from "node:os";
import { join } from "node:path";
import { after, suite, type TestContext, test } from "node:test";
import { ConsoleReceiver, receiverObstacle } from "../../process/console-receiver-fixture.ts";
import { rootObstacle } from "../../process/process-bench-fixture.ts";
import { CommandBench } from "./command-bench-fixture.ts";
import { TerminalCaller } from "./terminal-caller-fixture.ts";

const SIZE = "stty size";
/** Shows its terminal's size, again when that changes, and what is typed; ends with 5 on SIGTERM and on "end". */
const SCRIPT = `trap 'exit 5' TERM; trap '${SIZE}' WINCH; ${SIZE}; while :; do read -t 1 x && { echo "got $x"; [ "$x" = end ] && exit 5; }; done`;
const PROGRAM: readonly string[] = ["/bin/sh", "-c", SCRIPT];

suite("a call of the command under a terminal", () => {
  let bench: CommandBench | undefined;
  const served = async (t: TestContext): Promise<CommandBench | undefined> => {
    const obstacle = rootObstacle() ?? receiverObstacle();
    if (obstacle !== undefined) {
      t.skip(obstacle);
      return undefined;
    }
    bench ??= new CommandBench();
    await bench.warm();
    return bench;
  };
  after(() => bench?.[Symbol.asyncDispose]());

  const terminal = { process: { terminal: true } };
  const launch = (b: CommandBench, args: readonly string[]): TerminalCaller =>
    new TerminalCaller([b.strictLauncher, "--root", b.root, ...args], b.env);

  test("runs a container that has it, at its size, until the container ends", async (t) => {
    const b = await served(t);
    if (b === undefined) return;
    const { id, path } = b.bundle(PROGRAM, terminal);
    const before = b.remember();
    await using caller = launch(b, ["run", "--bundle", path, id]);
    await caller.shows("24 80\r\n");
    await caller.isRaw();
    caller.tell("size 30 100");
    await caller.shows("30 100\r\n");
    caller.type("word\r");
    await caller.shows("got word\r\n");
    caller.type("end\r");
    assert.deepEqual(await caller.ended(), { status: 5, raw: false });
    await b.expectNothingLeft(before);
  });

  test("gives it back when a signal ends the container, or the container is killed", async (t) => {
    const b = await served(t);
    if (b === undefined) return;
    for (const [signal, status] of [
      [constants.signals.SIGTERM, 5],
      [constants.signals.SIGUSR1, 128 + constants.signals.SIGKILL],
    ] as const) {
      const { id, path } = b.bundle(PROGRAM, terminal);
      await using caller = launch(b, ["run", "--bundle", path, id]);
      await caller.isRaw();
      await caller.shows("24 80\r\n");
      if (signal === constants.signals.SIGTERM) caller.tell(`signal ${signal}`);
      else assert.equal((await b.callServed(["kill", id, "KILL"])).status, 0);
      assert.deepEqual(await caller.ended(), { status, raw: false });
    }
  });

  test("gives it back when the resident process has ended", async (t) => {
    const b = await served(t);
    if (b === undefined) return;
    const { id, path } = b.bundle(PROGRAM, terminal);
    const before = b.remember();
    const command = [join(b.bin, "orlop-oci"), "--root", b.root, "run", "--bundle", path, id];
    await using caller = new TerminalCaller(command, b.env);
    await caller.isRaw();
    await caller.shows("24 80\r\n");
    await b.endResidents("SIGKILL");
    caller.tell("size 31 101");
    await caller.shows("31 101\r\n");
    caller.type("end\r");
    assert.deepEqual(await caller.ended(), { status: 5, raw: false });
    await b.expectNothingLeft(before);
  });

  test("executes in a container under it", async (t) => {
    const b = await served(t);
    if (b === undefined) return;
    const { id, path } = b.bundle(["/bin/sleep", "1000"]);
    assert.equal((await b.callServed(["run", "-d", "--bundle", path, id])).status, 0);
    await using caller = launch(b, ["exec", "-t", id, ...PROGRAM]);
    await caller.shows("24 80\r\n");
    await caller.isRaw();
    caller.type("end\r");
    assert.deepEqual(await caller.ended(), { status: 5, raw: false });
    assert.equal((await b.callServed(["delete", "--force", id])).status, 0);
  });

  test("hands a container's terminal to a console socket", async (t) => {
    const b = await served(t);
    if (b === undefined) return;
    const { id, path } = b.bundle(PROGRAM, terminal);
    await using receiver = new ConsoleReceiver(b.path("console"));
    await receiver.listening();
    const run = ["run", "-d", "--console-socket", receiver.socket, "--bundle", path, id];
    const { status, stderr } = await b.callServed(run);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal((await receiver.received()).tty, true);
    assert.equal((await b.callServed(["delete", "--force", id])).status, 0);
  });
});
