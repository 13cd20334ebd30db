import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { DaemonProcess } from "./daemon-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import type { SuiteOptions } from "./suite-context-fixture.ts";
import { atTerminal, type TerminalStep } from "./terminal-fixture.ts";

/** With this no Node starts. */
const WITHOUT_NODE = { NODE_OPTIONS: "--no-such-option" };

/** Until a file is there. */
const WAIT = "echo ready; while ! test -e /go/now; do sleep 0.02; done";

/** Rounds in which a daemon is killed; `ORLOP_DEATHS` asks for more. */
const ROUNDS = Number(process.env.ORLOP_DEATHS ?? 3);

/** Commands with a daemon there, of which a test may have to start another one. */
class ServedCommands {
  readonly stateDirectory: string;
  #fixture: CommandFixture | undefined;
  #daemon: DaemonProcess | undefined;

  constructor(stateDirectory: string) {
    this.stateDirectory = stateDirectory;
  }

  /** Made for the first test. */
  get fixture(): CommandFixture {
    this.#fixture ??= new CommandFixture();
    return this.#fixture;
  }

  get daemon(): DaemonProcess {
    assert.ok(this.#daemon, "the suite has not begun");
    return this.#daemon;
  }

  async startAnew(): Promise<void> {
    this.#daemon = await DaemonProcess.start(this.fixture);
  }

  async ok(...args: readonly string[]): Promise<string> {
    return succeeded(await this.fixture.orlop(args));
  }

  withoutNode(...args: readonly string[]): Promise<CommandResult> {
    return this.fixture.orlop(args, { env: WITHOUT_NODE });
  }

  async end(): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    this.#fixture?.[Symbol.dispose]();
  }
}

/** What a daemon does, and what becomes of everything when it does not. */
export function daemonSuite({ skip, stateDirectory }: Pick<SuiteOptions, "skip" | "stateDirectory">): void {
  describe("a daemon", { skip }, () => {
    const c = new ServedCommands(stateDirectory);
    before(() => c.startAnew());
    after(() => c.end());
    callCases(c);
    callerCases(c);
    deathCases(c);
    letGoCases(c);
    readyCases(c);
    endCases(c);
  });
}

/** What it carries out, and what it does not. */
function callCases(c: ServedCommands): void {
  test("carries out calls of which none starts Node", async () => {
    assert.equal(
      succeeded(await c.withoutNode("run", "--rm", ...c.fixture.idFlags(), "host", "echo", "hello")),
      "hello",
    );
    const flags = [...c.fixture.idFlags(), "--name", "served"];
    const id = succeeded(await c.withoutNode("run", "-d", ...flags, "host", "sh", "-c", "echo said; exec sleep 1000"));
    assert.equal(succeeded(await c.withoutNode("ps", "-q", "--no-trunc")), id);
    assert.equal((await c.withoutNode("exec", "served", "sh", "-c", "exit 9")).exitCode, 9);
    assert.equal(succeeded(await c.withoutNode("inspect", "-f", "{{.State.Status}}", "served")), "running");
    assert.equal(succeeded(await c.withoutNode("rm", "-f", "served")), "served");
    const failed = await c.withoutNode("run", "--rm", "host", "no-such-program");
    assert.deepEqual([failed.exitCode, /executable file not found/.test(failed.stderr)], [127, true], failed.stderr);
  });

  test("leaves to Node what it cannot do as the caller's own process would", async () => {
    assert.notEqual((await c.withoutNode("doctor")).exitCode, 0);
    await c.ok("run", "-d", ...c.fixture.idFlags(), "--name", "followed", "host", "sh", "-c", "echo line");
    assert.equal(await c.ok("logs", "-f", "followed"), "line");
    assert.equal(await c.ok("run", ...c.fixture.idFlags(), "--name", "stays", "host", "echo", "kept"), "kept");
    await c.ok("rm", "followed", "stays");
  });

  test("declines callers with other privileges", async (t) => {
    const call = ["--no-new-privs", LAUNCHER, "ps", "-q"];
    const own = await c.fixture.start("setpriv", call).catch(() => undefined);
    if (own === undefined) return t.skip("no setpriv here");
    assert.equal(own.exitCode, 0, own.stderr);
    assert.notEqual((await c.fixture.start("setpriv", call, { env: WITHOUT_NODE })).exitCode, 0);
  });

  test("takes paths, variables and the directory from who calls", async () => {
    mkdirSync(join(c.fixture.directory, "beside"));
    writeFileSync(join(c.fixture.directory, "beside", "variables"), "GIVEN=yes\nTAKEN\n");
    const { exitCode, stdout, stderr } = await c.fixture.orlop(
      ["run", "--rm", ...c.fixture.idFlags(), "--env-file", "variables", "-v", ".:/here:ro"].concat([
        ...["host", "sh", "-c", "echo $GIVEN $TAKEN; ls /here"],
      ]),
      { cwd: join(c.fixture.directory, "beside"), env: { ...WITHOUT_NODE, TAKEN: "too" } },
    );
    assert.deepEqual([exitCode, stdout, stderr], [0, "yes too\nvariables\n", ""]);
  });
}

/** Those who call. */
function callerCases(c: ServedCommands): void {
  test("passes much output on whole, to who reads slowly and to who stops", async () => {
    const script = "seq 100000";
    await c.ok("run", "-d", ...c.fixture.idFlags(), "--name", "talks", "host", "sh", "-c", script);
    // All of it has been written down then.
    await c.ok("logs", "-f", "talks");
    const shell = (line: string): Promise<CommandResult> =>
      c.fixture.start("sh", ["-c", line, LAUNCHER], { env: WITHOUT_NODE });
    assert.equal(succeeded(await shell('"$0" logs talks | md5sum')), succeeded(await shell(`${script} | md5sum`)));
    assert.equal(succeeded(await shell('"$0" logs talks | head -n 1')), "1");
    await c.ok("rm", "talks");
  });

  test("says a long list to its end before the call ends", async () => {
    const lines = await c.withoutNode("info", "--format", "{{range 100000}}0123456789{{end}}");
    assert.deepEqual([lines.exitCode, lines.stdout.length, lines.stderr], [0, 1_000_001, ""]);
    assert.equal((await c.withoutNode("ps", "-q")).exitCode, 0, "and the daemon goes on");
  });

  test("says what cannot be written, and is quiet where nobody reads", async () => {
    const shell = async (line: string): Promise<readonly [number | null, string]> => {
      const { exitCode, stderr } = await c.fixture.start("/bin/sh", ["-c", line, LAUNCHER], { env: WITHOUT_NODE });
      return [exitCode, stderr];
    };
    const noSpace = "orlop: Cannot write to standard output: no space left on device\n";
    const much = "info --format '{{range 100000}}0123456789{{end}}'";
    for (const words of ["images", much]) {
      assert.deepEqual(await shell(`"$0" ${words} > /dev/full`), [1, noSpace]);
      assert.deepEqual(await shell(`"$0" ${words} > '${c.fixture.directory}/written'`), [0, ""]);
      assert.deepEqual(await shell(`{ "$0" ${words}; echo $? >&2; } | :`), [0, "0\n"]);
    }
    assert.equal(statSync(join(c.fixture.directory, "written")).size, 1_000_001);
    assert.deepEqual(await shell('"$0" rmi nothing 2> /dev/full'), [1, ""]);
  });

  test("ends with the caller what the caller has in the foreground", async () => {
    const args = ["run", "--rm", ...c.fixture.idFlags(), "--name", "short", "host", "sh", "-c", "echo up; sleep 1000"];
    const { signal } = await c.fixture.orlop(args, {
      env: WITHOUT_NODE,
      onOutput: (_, child) => child.kill("SIGKILL"),
    });
    assert.equal(signal, "SIGKILL");
    assert.deepEqual(await findLeftovers(c.fixture.containerIds(), c.stateDirectory), []);
    assert.equal(await c.ok("ps", "-aq"), "");
  });

  test("lets a signal end whoever waits for it", async () => {
    const script = "trap '' TERM; echo up; while :; do sleep 0.1; done";
    await c.ok("run", "-d", ...c.fixture.idFlags(), "--name", "stubborn", "host", "sh", "-c", script);
    const child = spawn(LAUNCHER, ["stop", "-t", "1000", "stubborn"], { env: { ...c.fixture.env, ...WITHOUT_NODE } });
    const ended = once(child, "exit");
    child.kill("SIGINT");
    assert.deepEqual(await ended, [null, "SIGINT"]);
    assert.equal(await c.ok("ps", "--format", "{{.Names}}"), "stubborn");
    await c.ok("kill", "stubborn");
    await c.ok("wait", "stubborn");
    await c.ok("rm", "stubborn");
  });
}

/** It is killed, or what works for it. */
function deathCases(c: ServedCommands): void {
  test("starts anew what works for it and has been killed", async () => {
    const logged = async (name: string): Promise<string> => {
      const flags = [...c.fixture.idFlags(), "--name", name];
      succeeded(await c.withoutNode("run", "-d", ...flags, "host", "echo", "said"));
      await c.ok("wait", name);
      return await c.ok("logs", name);
    };
    assert.equal(await logged("before"), "said");
    const helpers = childrenOf(c.daemon.pid);
    assert.notDeepEqual(helpers, []);
    for (const pid of helpers) process.kill(pid, "SIGKILL");
    // Until it has heard of it.
    while (childrenOf(c.daemon.pid).some((pid) => helpers.includes(pid))) await sleep(5);
    assert.equal(await logged("after"), "said");
    await c.ok("rm", "before", "after");
  });

  test("may be killed: what is in the foreground goes on, and is gone afterwards", async () => {
    const place = join(c.fixture.directory, "go");
    mkdirSync(place);
    let killed: Promise<unknown> | undefined;
    const args = ["run", "--rm", ...c.fixture.idFlags(), "--name", "outlives", "-v", `${place}:/go`, "host"];
    const { exitCode, stdout, stderr } = await c.fixture.orlop([...args, "sh", "-c", `${WAIT}; echo done; exit 6`], {
      onOutput: (text) => {
        if (text !== "ready\n") return;
        killed ??= c.daemon.end("SIGKILL").then(async () => {
          assert.equal(await c.ok("ps", "--format", "{{.Names}}"), "outlives");
          writeFileSync(join(place, "now"), "");
        });
      },
    });
    await killed;
    assert.deepEqual([exitCode, stdout, stderr], [6, "ready\ndone\n", ""]);
    assert.deepEqual(await findLeftovers(c.fixture.containerIds(), c.stateDirectory), []);
    await c.startAnew();
  });

  test("may be killed at any moment: what runs stays as it is, and what was begun is done or undone", async () => {
    await c.ok("run", "-d", ...c.fixture.idFlags(), "--name", "steady", "host", "sh", "-c", "cat; exec sleep 1000");
    const pid = await c.ok("inspect", "-f", "{{.State.Pid}}", "steady");
    const beganMs = performance.now();
    await c.ok("run", "--rm", ...c.fixture.idFlags(), "host", "true");
    const lifeMaxMs = 4 * (performance.now() - beganMs);
    for (let round = 0; round < ROUNDS; round++) {
      const calls = [
        c.fixture.orlop(["run", "--rm", ...c.fixture.idFlags(), "host", "sh", "-c", "echo out; exit 3"]),
        c.fixture.orlop(["run", "-d", ...c.fixture.idFlags(), "--name", `d${round}`, "host", "sleep", "1000"]),
        c.fixture.orlop(["exec", "steady", "sh", "-c", "exit 4"]),
        c.fixture.orlop(["ps", "-q", "--filter", "name=steady"]),
      ];
      await sleep((lifeMaxMs * round) / ROUNDS);
      await c.daemon.end("SIGKILL");
      const [run, detached, exec, list] = await Promise.all(calls);
      assertDoneOrBroken(run, 3);
      assertDoneOrBroken(exec, 4);
      assertDoneOrBroken(detached, 0);
      assertDoneOrBroken(list, 0);
      // Without a daemon, and with the next one.
      assert.equal(await c.ok("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", "steady"), `${pid} running`);
      await c.startAnew();
      assert.equal(await c.ok("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", "steady"), `${pid} running`);
      if ((await c.ok("ps", "-aq", "--filter", `name=d${round}`)) !== "") await c.ok("rm", "-f", `d${round}`);
      assert.deepEqual(await c.ok("ps", "-a", "--format", "{{.Names}}"), "steady");
    }
    await c.ok("rm", "-f", "steady");
  });
}

/** Somebody at a terminal, of which a program is let go. */
function letGoCases(c: ServedCommands): void {
  const letGo = (id: string, meanwhile: readonly TerminalStep[]): ReturnType<typeof atTerminal> => {
    const steps = [["wait", "ready"], ["change"], ...meanwhile, ["send", "\u0010\u0011"]] as const;
    return atTerminal(c.fixture, [LAUNCHER, "exec", "-it", id, "sh", "-c", "echo ready; exec sleep 1001"], steps);
  };

  test("does not wait at its end for what was let go of, which may also be when it has been killed", async (t) => {
    if (spawnSync("python3", ["-c", "import pty"]).status !== 0) return t.skip("needs python3");
    const id = await c.ok("run", "-d", ...c.fixture.idFlags(), "host", "sleep", "1000");
    assert.equal((await letGo(id, [])).status, 0);
    assert.equal(await c.daemon.end("SIGTERM"), 0);
    await c.startAnew();
    const { status, settings } = await letGo(id, [["kill-other", c.daemon.pid, 9]]);
    assert.deepEqual([status, settings.after], [0, settings.before]);
    assert.equal((await c.ok("top", id, "-o", "pid,args")).match(/sleep 1001/g)?.length, 2);
    await c.ok("rm", "-f", id);
    await c.daemon.end("SIGKILL");
    await c.startAnew();
  });
}

/** What it has ready. */
function readyCases(c: ServedCommands): void {
  test("holds the mounts of a container until its end has been told, and none of another file system's", async (t) => {
    const skip = process.getuid?.() === 0 ? busyboxObstacle() : "only root may hold them";
    if (skip !== undefined) return t.skip(skip);
    const root = join(c.fixture.directory, "rootfs");
    makeBusyboxRootfs(root);
    const heldDuring = async (...flags: readonly string[]): Promise<boolean> => {
      let isHeld: boolean | undefined;
      // The daemon may hear of the container after its first output, and looks at what it has opened.
      const words = [...flags, `dir:${root}`, "sh", "-c", "sleep 1; echo there; sleep 1"];
      const ended = await c.fixture.run(words, {
        onOutput: () => {
          isHeld ??= holdsMounts(c.daemon.pid);
        },
      });
      assert.deepEqual([ended.stdout, ended.stderr], ["there\n", ""]);
      while (holdsMounts(c.daemon.pid)) await sleep(5);
      assert.ok(isHeld !== undefined);
      return isHeld;
    };
    // On this disk, unless that is none.
    assert.equal(await heldDuring(), statSync(root).dev === statSync("/").dev);
    assert.equal(await heldDuring("-v", "/proc/tty:/other"), false);
  });

  test("has a network namespace ready for the next container, which does without one that was killed", async (t) => {
    if (process.getuid?.() !== 0 || c.stateDirectory !== "/run/orlop") return t.skip("only root can have one ready");
    const look = "readlink /proc/self/ns/net; cat /sys/class/net/lo/flags; ls /sys/class/net";
    const run = async (): Promise<readonly string[]> => {
      const flags = [...c.fixture.idFlags(), "--network", "none"];
      return succeeded(await c.withoutNode("run", "--rm", ...flags, "host", "sh", "-c", look)).split("\n");
    };
    const seen = [await run()];
    let ready = 0;
    for (let round = 0; round < ROUNDS; round++) {
      ready = await spareOf(c.daemon.pid, ready);
      const namespace = readlinkSync(`/proc/${ready}/ns/net`);
      if (round % 2 === 1) process.kill(ready, "SIGKILL");
      seen.push(await run());
      if (round % 2 === 0) assert.equal(seen.at(-1)?.[0], namespace);
    }
    for (const [, ...rest] of seen) assert.deepEqual(rest, ["0x9", "lo"]);
    const last = await spareOf(c.daemon.pid, ready);
    await c.daemon.end("SIGKILL");
    while (existsSync(`/proc/${last}`)) await sleep(5);
    await c.startAnew();
  });
}

/** It ends. */
function endCases(c: ServedCommands): void {
  test("looks after what is to go with its end, and leaves that to others when it ends", async () => {
    await c.ok("run", "-d", "--rm", ...c.fixture.idFlags(), "--name", "passes", "host", "true");
    const id = await c.ok("run", "-d", "--rm", ...c.fixture.idFlags(), "--name", "later", "host", "sleep", "1000");
    assert.equal(await c.daemon.end("SIGTERM"), 0);
    assert.equal(await c.ok("ps", "-aq", "--no-trunc", "--filter", "name=later"), id);
    await c.ok("kill", "later");
    const since = ["events", "--since", "1h", "--filter", "event=destroy", "--format", "{{.Actor.Attributes.name}}"];
    await c.fixture.orlop(since, {
      onOutput: (text, child) => {
        if (["passes", "later"].every((name) => text.includes(name))) child.kill("SIGTERM");
      },
    });
    assert.equal(await c.ok("ps", "-aq"), "");
    assert.ok(!existsSync(join(c.stateDirectory, "daemon", "socket")));
  });

  test("nothing is left of all these containers", async () => {
    await c.ok("run", "--rm", ...c.fixture.idFlags(), "host", "true");
    assert.deepEqual(await findLeftovers(c.fixture.containerIds(), c.stateDirectory), []);
  });
}

/** Whether a process has a mount namespace open. */
function holdsMounts(pid: number): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`)?.startsWith("mnt:") === true);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // It has been closed meanwhile.
    return undefined;
  }
}

function childrenOf(pid: number): readonly number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) => {
    const pids = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ");
    return pids.filter((each) => each !== "").map(Number);
  });
}

/** Who holds the network namespace that is ready: a process of one that works for the daemon, and not the last one's. */
async function spareOf(pid: number, last: number): Promise<number> {
  for (;;) {
    const found = childrenOf(pid)
      .flatMap(childrenOf)
      .find((each) => each !== last && isSpare(each));
    if (found !== undefined) return found;
    await sleep(5);
  }
}

function isSpare(pid: number): boolean {
  try {
    const isNamed = readFileSync(`/proc/${pid}/comm`, "utf8") === "orlop-spare\n";
    return isNamed && readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}

function succeeded({ exitCode, stdout, stderr }: CommandResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

/** It is done as without a daemon, or says that the daemon had done something of it. */
function assertDoneOrBroken(result: CommandResult | undefined, doneExitCode: number): void {
  const { exitCode, stderr } = result ?? { exitCode: null, stderr: "" };
  const isBroken = exitCode === 125 && stderr.includes("the daemon that served it has ended");
  assert.ok(isBroken || (exitCode === doneExitCode && stderr === ""), `${exitCode}: ${stderr}`);
}
