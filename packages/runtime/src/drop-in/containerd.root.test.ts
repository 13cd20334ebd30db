import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { ClientHost, type Daemon, type Ended, until, untilNothing } from "@orlop/testkit";
import { HAS_SIZE, UNTIL_TERM } from "./client-scripts-fixture.ts";
import { clientObstacle, orlopOciCommand } from "./command-fixture.ts";
import { documentedBlock } from "./documented-block-fixture.ts";
import { IMAGE, writeImageArchive } from "./image-archive-fixture.ts";

const obstacle = clientObstacle({
  containerd: "containerd",
  ctr: "containerd",
  "containerd-shim-runc-v2": "containerd",
});
const skip = obstacle ?? false;
let host: ClientHost;
let containerd: Daemon;

function ctr(...args: readonly string[]): readonly string[] {
  // The namespace is a part of the path of containers' cgroups.
  return ["ctr", "--namespace", host.mark, ...args];
}

/** `ctr run`, as the document has it, with more options. */
function run(id: string, options: readonly string[], ...program: readonly string[]): readonly string[] {
  const [, line = ""] = documentedBlock("containerd", "sh").split(" IMAGE ")[0]?.split("ctr run --rm ") ?? [];
  return ctr("run", ...line.split(" "), ...options, IMAGE, id, ...program);
}

function runs(id: string, options: readonly string[], script: string): Promise<Ended> {
  return host.call(run(id, ["--rm", ...options], "sh", "-c", script));
}

async function startContainerd(): Promise<void> {
  containerd = host.daemon("containerd", ["containerd", "--config", join(host.directory, "config.toml")]);
  await until("an answer of containerd", async () => (await host.call(ctr("version"))).exitCode === 0);
}

/** Starts a container that stays, once it has said that it is ready. */
async function starts(id: string, options: readonly string[] = []): Promise<void> {
  const log = join(host.directory, `${id}.out`);
  writeFileSync(log, "");
  await host.succeeds(run(id, ["--detach", "--log-uri", `file://${log}`, ...options], "sh", "-c", UNTIL_TERM));
  await until(`${id} to be ready`, async () => (await host.succeeds(["cat", log])).includes("ready"));
}

async function status(id: string): Promise<string | undefined> {
  const lines = (await host.succeeds(ctr("tasks", "list"))).split("\n").map((line) => line.trim().split(/ +/));
  return lines.find(([name]) => name === id)?.[2];
}

suite("containerd", () => {
  before(async () => {
    if (obstacle !== undefined) return;
    host = await ClientHost.start("containerd", { runtime: orlopOciCommand() });
    writeFileSync(join(host.directory, "config.toml"), documentedBlock("containerd", "toml"));
    await startContainerd();
    await host.succeeds(ctr("images", "import", writeImageArchive(host.directory)));
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  test("reads the configuration for Kubernetes", { skip }, async () => {
    const dump = await host.succeeds(["containerd", "--config", join(host.directory, "config.toml"), "config", "dump"]);
    assert.match(dump, /BinaryName = ".*\/orlop-oci"/);
  });

  test("runs a program and ends as it does", { skip }, async () => {
    const { exitCode, stdout, stderr } = await runs("first", [], "echo out; echo err >&2; exit 7");
    assert.deepEqual([exitCode, stdout, stderr], [7, "out\n", "err\n"]);
  });

  test("says whether a program is missing or may not be executed", { skip }, async () => {
    const missing = await host.call(run("missing", ["--rm"], "/missing"));
    assert.match(missing.stderr, /Cannot execute "\/missing".*not found/);
    const refused = await host.call(run("refused", ["--rm"], "/etc"));
    assert.match(refused.stderr, /Cannot execute "\/etc".*permission denied/);
    for (const { exitCode } of [missing, refused]) assert.notEqual(exitCode, 0);
  });

  test("gives a terminal", { skip }, async () => {
    const started = await host.callInTerminal(
      run("terminal", ["--rm", "--tty"], "sh", "-c", `tty; ${HAS_SIZE}; exit 4`),
    );
    assert.deepEqual(started, { exitCode: 4, stdout: "/dev/pts/0\n" });
  });

  test("executes, measures, pauses, signals and deletes", { skip }, async () => {
    await starts("lives", ["--memory-limit", String(64 << 20)]);
    const exec = (id: string, ...program: readonly string[]) =>
      ctr("tasks", "exec", "--exec-id", id, "lives", ...program);
    const executed = await host.call(exec("e1", "sh", "-c", "echo out; exit 3"));
    assert.deepEqual([executed.exitCode, executed.stdout], [3, "out\n"]);
    const inTerminal = ctr(
      "tasks",
      "exec",
      "--tty",
      "--exec-id",
      "e2",
      "lives",
      "sh",
      "-c",
      `tty; ${HAS_SIZE}; exit 4`,
    );
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

  test("leaves containers running while it is killed and started again", { skip }, async () => {
    await starts("lasting");
    await containerd.end("SIGKILL");
    await startContainerd();
    assert.equal(await status("lasting"), "RUNNING");
    assert.equal(await host.succeeds(ctr("tasks", "exec", "--exec-id", "e", "lasting", "echo", "still")), "still\n");
    await host.call(ctr("tasks", "delete", "--force", "lasting"));
    await host.succeeds(ctr("containers", "delete", "lasting"));
  });

  test("leaves nothing behind", { skip }, async () => {
    assert.equal(await host.succeeds(ctr("containers", "list", "--quiet")), "");
    await host.untilClean([`/run/containerd/runc/${host.mark}`], ["containerd --config"]);
    await containerd.end("SIGTERM");
    await untilNothing("after containerd", () => host.processes());
  });
});
