import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientHost, type Daemon, type Ended, patience, until, untilNothing } from "@orlop/testkit";
import { HAS_SIZE, UNTIL_TERM } from "../drop-in/client-scripts-fixture.ts";
import { clientObstacle, orlopOciCommand } from "../drop-in/command-fixture.ts";
import { documentedBlock } from "../drop-in/documented-block-fixture.ts";
import { IMAGE, writeImageArchive } from "../drop-in/image-archive-fixture.ts";

const SHIM = "containerd-shim-orlop-v1";
/** How often a server is killed, each time later by so much. */
const ROUNDS = 8;
const ROUND_STEP_MS = 40;
/** For timeout(1). */
const CLIENT_MAX = `${patience(20_000) / 1000}`;

const ADDRESS = "/run/containerd/containerd.sock";
/** Followed by the namespace. */
const STATE = `/run/orlop/shim/groups${ADDRESS}@`;
const HEADING = "containerd, with orlop's own shim";

const obstacle = clientObstacle({ containerd: "containerd", ctr: "containerd" });
const skip = obstacle ?? false;
let host: ClientHost;
let containerd: Daemon;

function ctr(...args: readonly string[]): readonly string[] {
  // The namespace is a part of the path of containers' cgroups.
  return ["ctr", "--namespace", host.mark, ...args];
}

/** `ctr run`, as the document has it, with more options. */
function run(id: string, options: readonly string[], ...program: readonly string[]): readonly string[] {
  const [, line = ""] = documentedBlock(HEADING, "sh").split(" IMAGE ")[0]?.split("ctr run --rm ") ?? [];
  return ctr("run", ...line.split(" "), ...options, IMAGE, id, ...program);
}

function runs(id: string, options: readonly string[], script: string): Promise<Ended> {
  return host.call(run(id, ["--rm", ...options], "sh", "-c", script));
}

async function startContainerd(): Promise<void> {
  const path = `${join(host.directory, "bin")}:${process.env.PATH}`;
  const config = join(host.directory, "config.toml");
  containerd = host.daemon("containerd", ["env", `PATH=${path}`, "containerd", "--config", config]);
  await until("an answer of containerd", async () => (await host.call(ctr("version"))).exitCode === 0);
}

/** Starts a container that stays, once it has said that it is ready. */
async function starts(id: string, options: readonly string[] = [], script: string = UNTIL_TERM): Promise<void> {
  const log = join(host.directory, `${id}.out`);
  writeFileSync(log, "");
  await host.succeeds(run(id, ["--detach", "--log-uri", `file://${log}`, ...options], "sh", "-c", script));
  await until(`${id} to be ready`, async () => (await host.succeeds(["cat", log])).includes("ready"));
}

/** Id, pid and status. */
async function task(id: string): Promise<readonly string[] | undefined> {
  const lines = (await host.succeeds(ctr("tasks", "list"))).split("\n").map((line) => line.trim().split(/ +/));
  return lines.find(([name]) => name === id);
}

async function status(id: string): Promise<string | undefined> {
  return (await task(id))?.[2];
}

/** Pids of the servers. */
function servers(): readonly number[] {
  return host
    .processes()
    .filter((line) => line.includes(`${SHIM} -namespace`))
    .map((line) => Number.parseInt(line, 10));
}

function signalServers(signal: NodeJS.Signals): void {
  for (const pid of servers()) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // One that was about to end is still listed.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

suite(SHIM, () => {
  before(async () => {
    if (obstacle !== undefined) return;
    host = await ClientHost.start("shim", { runtime: orlopOciCommand() });
    const bin = join(host.directory, "bin");
    mkdirSync(bin);
    symlinkSync(join(import.meta.dirname, "../../bin", SHIM), join(bin, SHIM));
    writeFileSync(join(host.directory, "config.toml"), documentedBlock(HEADING, "toml"));
    await startContainerd();
    await host.succeeds(ctr("images", "import", writeImageArchive(host.directory)));
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  test("is found by the configuration for Kubernetes", { skip }, async () => {
    const dump = await host.succeeds(["containerd", "--config", join(host.directory, "config.toml"), "config", "dump"]);
    assert.match(dump, /runtime_type = "io\.containerd\.orlop\.v1"/);
  });

  test("runs a program and ends as it does", { skip }, async () => {
    const { exitCode, stdout, stderr } = await runs("first", [], "echo out; echo err >&2; exit 7");
    assert.deepEqual([exitCode, stdout, stderr], [7, "out\n", "err\n"]);
  });

  test("answers without Node where its server runs", { skip }, async () => {
    const asked = (id: string, action: string): Promise<Ended> => {
      const words = `-namespace ${host.mark} -address ${ADDRESS} -publish-binary x -id ${id} -debug ${action}`;
      // Node would not start with this.
      const command = `NODE_OPTIONS=--no-such-option exec ./bin/${SHIM} ${words}`;
      return host.call(["sh", "-c", `cd ${host.directory} && ${command}`]);
    };
    assert.equal((await asked("a/b", "start")).exitCode, 9);
    const { exitCode, stdout } = await asked("short", "start");
    assert.deepEqual([exitCode, stdout], [0, await host.succeeds(["cat", join(host.directory, "address")])]);
    assert.match(stdout, /^unix:\/\/\/run\/orlop\/shim\/sockets\/[0-9a-f]+$/);
    // It may still come.
    assert.equal((await asked("short", "delete")).exitCode, 9);
    await host.succeeds(["rm", `${STATE}${host.mark}/claims/short`]);
    assert.equal((await asked("short", "delete")).exitCode, 0);
  });

  test("says whether a program is missing or may not be executed", { skip }, async () => {
    const missing = await host.call(run("missing", ["--rm"], "/missing"));
    assert.match(missing.stderr, /Cannot execute "\/missing".*not found/);
    const refused = await host.call(run("refused", ["--rm"], "/etc"));
    assert.match(refused.stderr, /Cannot execute "\/etc".*permission denied/);
    for (const { exitCode } of [missing, refused]) assert.notEqual(exitCode, 0);
  });

  test("hands the input on, to its end", { skip }, async () => {
    // ctr forgets an end of its own input that comes before the container runs.
    const wait = `until ctr --namespace ${host.mark} tasks list | grep -q "^input .*RUNNING"; do sleep 0.05; done`;
    const call = run("input", ["--rm"], "cat").join(" ");
    const { exitCode, stdout } = await host.call(["sh", "-c", `(${wait}; echo one; echo two) | ${call}`]);
    assert.deepEqual([exitCode, stdout], [0, "one\ntwo\n"]);
  });

  test("gives a terminal", { skip }, async () => {
    const started = await host.callInTerminal(
      run("terminal", ["--rm", "--tty"], "sh", "-c", `tty; ${HAS_SIZE}; exit 4`),
    );
    assert.deepEqual(started, { exitCode: 4, stdout: "/dev/pts/0\n" });
  });

  test("keeps the input of a container that nobody is attached to", { skip }, async () => {
    await host.succeeds(run("attached", ["--detach"], "sh", "-c", "read word; echo got $word; exit 3"));
    const { exitCode, stdout } = await host.call(ctr("tasks", "attach", "attached"), { input: "it\n" });
    assert.deepEqual([exitCode, stdout], [3, "got it\n"]);
    await host.call(ctr("tasks", "delete", "attached"));
    await host.succeeds(ctr("containers", "delete", "attached"));
  });

  test("hands the output to a log program", { skip }, async () => {
    const [program, log] = [join(host.directory, "log-program"), join(host.directory, "log")];
    writeFileSync(program, "#!/bin/sh\nexec 5>&-; cat <&3 >$2; echo $CONTAINER_NAMESPACE >>$2\n", { mode: 0o755 });
    await host.succeeds(run("logged", ["--detach", "--log-uri", `binary://${program}?file=${log}`], "echo", "word"));
    await until("the log", async () => (await host.call(["cat", log])).stdout === `word\n${host.mark}\n`);
    await host.call(ctr("tasks", "delete", "logged"));
    await host.succeeds(ctr("containers", "delete", "logged"));
  });

  test("executes, measures, pauses, signals and deletes", { skip }, async () => {
    await starts("lives", ["--memory-limit", String(64 << 20)]);
    const exec = (id: string, ...program: readonly string[]) =>
      ctr("tasks", "exec", "--exec-id", id, "lives", ...program);
    for (const _ of ["first", "again"]) {
      const executed = await host.call(exec("e1", "sh", "-c", "echo out; exit 3"));
      assert.deepEqual([executed.exitCode, executed.stdout], [3, "out\n"]);
    }
    // As a user who may open the output again.
    const written = await host.call(
      ctr("tasks", "exec", "--user", "1000", "--exec-id", "e0", "lives", "sh", "-c", "id -u >/dev/stdout"),
    );
    assert.deepEqual([written.exitCode, written.stdout], [0, "1000\n"]);
    const script = ["sh", "-c", `tty; ${HAS_SIZE}; exit 4`];
    const inTerminal = ctr("tasks", "exec", "--tty", "--exec-id", "e2", "lives", ...script);
    assert.deepEqual(await host.callInTerminal(inTerminal), { exitCode: 4, stdout: "/dev/pts/0\n" });
    assert.match((await host.call(exec("e3", "/missing"))).stderr, /executable file not found/);
    assert.match(await host.succeeds(ctr("tasks", "metrics", "lives")), /\b67108864\b/);
    assert.match(await host.succeeds(ctr("tasks", "ps", "lives")), /^\d+ /m);
    await host.succeeds(ctr("tasks", "pause", "lives"));
    assert.equal(await status("lives"), "PAUSED");
    await host.succeeds(ctr("tasks", "resume", "lives"));
    assert.equal(await status("lives"), "RUNNING");
    await host.succeeds(ctr("tasks", "kill", "--signal", "SIGTERM", "lives"));
    await until("the end", async () => (await status("lives")) === "STOPPED");
    assert.match((await host.call(ctr("tasks", "delete", "lives"))).stderr, /exit code 5\b/);
    await host.succeeds(ctr("containers", "delete", "lives"));
  });

  test("goes on while containerd is killed and started again", { skip }, async () => {
    await starts("lasting");
    await starts("leaving");
    const [, leaving = ""] = (await task("leaving")) ?? [];
    await containerd.end("SIGKILL");
    await host.succeeds(["sh", "-c", `kill -TERM ${leaving}`]);
    await until("the end", async () => (await host.call(["sh", "-c", `kill -0 ${leaving}`])).exitCode !== 0);
    await startContainerd();
    assert.equal(await status("lasting"), "RUNNING");
    assert.equal(await host.succeeds(ctr("tasks", "exec", "--exec-id", "e", "lasting", "echo", "still")), "still\n");
    assert.equal(await status("leaving"), "STOPPED");
    assert.match((await host.call(ctr("tasks", "delete", "leaving"))).stderr, /exit code 5\b/);
    await host.call(ctr("tasks", "delete", "--force", "lasting"));
    for (const id of ["lasting", "leaving"]) await host.succeeds(ctr("containers", "delete", id));
  });

  test("takes its containers along when it is killed, and is there for the next ones, as one process", {
    skip,
  }, async () => {
    await starts("orphan");
    signalServers("SIGKILL");
    await until("containerd to see it", async () => (await status("orphan")) === undefined);
    await untilNothing("of the container", () => host.processes().filter((line) => line.includes(" sh -c ")));
    await host.succeeds(ctr("containers", "delete", "orphan"));
    const ids = ["many1", "many2", "many3"];
    await Promise.all(ids.map((id) => starts(id)));
    await untilNothing("besides one", () => servers().slice(1).map(String));
    for (const id of ids) {
      await host.call(ctr("tasks", "delete", "--force", id));
      await host.succeeds(ctr("containers", "delete", id));
    }
  });

  test("leaves nothing of a container, whenever it is killed", { skip }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const id = `round${round}`;
      // Whatever a client makes of a server that is gone, it is not waited for without end.
      const ended = host.call(["timeout", CLIENT_MAX, ...run(id, ["--rm"], "true")]);
      // About as long as all of it takes.
      await sleep(round * ROUND_STEP_MS);
      signalServers("SIGKILL");
      await ended;
      await host.call(ctr("tasks", "delete", "--force", id));
      await host.call(ctr("containers", "delete", id));
    }
    assert.equal((await runs("last", [], "echo next")).stdout, "next\n");
  });

  test("leaves nothing behind", { skip }, async () => {
    assert.equal(await host.succeeds(ctr("containers", "list", "--quiet")), "");
    signalServers("SIGTERM");
    const state = `${STATE}${host.mark}`;
    await host.untilClean(
      [`${state}/containers`, `${state}/claims`, `${state}/logs`, "/run/orlop/shim/sockets"],
      ["env PATH", "containerd --config"],
    );
    await containerd.end("SIGTERM");
    await untilNothing("after containerd", () => host.processes());
  });
});
