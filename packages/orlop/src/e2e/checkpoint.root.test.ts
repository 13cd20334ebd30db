import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { criuObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

/** Tells how many lines it has read, also in a file, and the last of them. */
const COUNTER =
  'mkfifo /in; exec 3<>/in; echo ready; i=0; while read line <&3; do i=$((i+1)); echo $i >/count; echo "$i $line"; done';
/** Sends back what it is sent, for one connection after the other. */
const ECHO = "echo ready; while busybox nc -l -p 7000 -e cat; do :; done";
/** Sends what it reads round through a connection. */
const CONNECTED =
  "mkfifo /in; busybox nc -l -p 7000 -e cat & exec 3<>/in; until busybox nc 127.0.0.1 7000 <&3; do :; done";

describe("a checkpoint", { skip: criuObstacle() ?? false }, () => {
  let fixture: CommandFixture;
  /** A machine of its own, as far as the network goes. */
  let machine: ReturnType<typeof spawn>;

  const orlop = (...args: readonly string[]): Promise<CommandResult> =>
    fixture.start("nsenter", [`--net=/proc/${machine.pid}/ns/net`, "--", LAUNCHER, ...args]);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await orlop(...args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const run = (name: string, script: string, ...flags: readonly string[]): Promise<string> =>
    ok("run", "-d", ...fixture.idFlags(), "--name", name, ...flags, "box:1", "sh", "-c", script);
  /** Resolves when the container has said this. */
  const heard = async (name: string, text: string): Promise<void> => {
    let output = "";
    await fixture.start(LAUNCHER, ["logs", "-f", name], {
      onOutput: (all, child) => {
        output = all;
        if (all.includes(text)) child.kill();
      },
    });
    assert.ok(output.includes(text), output);
  };
  const say = async (name: string, line: string): Promise<void> => {
    await ok("exec", name, "sh", "-c", 'echo "$0" >/in', line);
  };
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await orlop(...args);
    assert.equal(exitCode, 1, stderr);
    return stderr;
  };
  const status = (name: string): Promise<string> => ok("inspect", "-f", "{{.State.Status}}", name);

  before(async () => {
    fixture = new CommandFixture();
    const rootfs = `${fixture.directory}/rootfs`;
    makeBusyboxRootfs(rootfs);
    execFileSync("tar", ["-C", rootfs, "-cf", `${fixture.directory}/box.tar`, "."]);
    machine = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"]);
    await new Promise((resolve) => machine.stdout?.once("data", resolve));
    await ok("import", `${fixture.directory}/box.tar`, "box:1");
  });

  after(async () => {
    machine.kill("SIGKILL");
    fixture[Symbol.dispose]();
  });

  test("ends a container, which goes on from it with its files, its log and its exit code", async () => {
    const id = await run("count", COUNTER, "--restart", "always");
    await heard("count", "ready");
    await say("count", "a");
    await heard("count", "1 a");
    assert.equal(await ok("container", "checkpoint", "count"), "count");
    assert.equal(await status("count"), "exited", "its policy does not start it again");
    assert.equal(await ok("container", "restore", "count"), "count");
    assert.equal(await ok("ps", "-q", "--no-trunc"), id);
    await say("count", "b");
    await heard("count", "2 b");
    assert.equal(await ok("logs", "count"), "ready\n1 a\n2 b");
    assert.equal(await ok("exec", "count", "cat", "/count"), "2");
    assert.match(await refusal("container", "restore", "count"), /Cannot find checkpoint/, "it was taken");
    const events = await ok("events", "--since", "1h", "--until", "0s", "--filter", "container=count");
    const actions = events
      .split("\n")
      .map((line) => / container ([a-z_]+)/.exec(line)?.[1] ?? "")
      .filter((action) => !action.startsWith("exec_"));
    assert.deepEqual(actions, ["create", "start", "die", "checkpoint", "restore"]);
    await ok("stop", "-t", "0", "count");
    assert.equal(await ok("wait", "count"), "137");
    await ok("rm", "count");
  });

  test("keeps terminals and standard input, and can be had by name, again and again", async () => {
    await run("named", COUNTER, "-it");
    await heard("named", "ready");
    await say("named", "a");
    await heard("named", "1 a");
    await ok("checkpoint", "create", "--leave-running", "named", "first");
    assert.match(await refusal("checkpoint", "create", "named", "first"), /there is a checkpoint "first"/);
    assert.match(await refusal("start", "--checkpoint", "first", "named"), /it is running/);
    await ok("stop", "-t", "0", "named");
    assert.equal(await ok("checkpoint", "ls", "named"), "CHECKPOINT NAME\nfirst");
    for (const line of ["b", "c"]) {
      await ok("start", "--checkpoint", "first", "named");
      await say("named", line);
      await heard("named", `2 ${line}`);
      await ok("stop", "-t", "0", "named");
    }
    await ok("checkpoint", "rm", "named", "first");
    assert.match(await refusal("start", "--checkpoint", "first", "named"), /Cannot find checkpoint "first"/);
    await ok("rm", "named");
  });

  test("keeps addresses, and gives none away that somebody else has by now", async () => {
    await ok("network", "create", "app");
    await run("server", ECHO, "--network", "app");
    await run("client", COUNTER, "--network", "app");
    await heard("server", "ready");
    const address = (name: string): Promise<string> =>
      ok("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}", name);
    const ask = (): Promise<string> => ok("exec", "client", "sh", "-c", "echo hello | nc -w 9 server 7000");
    assert.equal(await ask(), "hello");
    const before = await address("server");
    await ok("container", "checkpoint", "server");
    await run("other", COUNTER, "--network", "app", "--ip", before.split(" ", 1)[0] ?? "");
    assert.match(await refusal("container", "restore", "server"), /has it/);
    assert.equal(await status("server"), "exited");
    await ok("rm", "-f", "other");
    await ok("container", "restore", "--all");
    assert.equal(await address("server"), before);
    assert.equal(await ask(), "hello");
    await ok("rm", "-f", "server", "client");
    await ok("network", "rm", "app");
  });

  test("is refused where it could not be restored, and fails without harm where criu says no", async () => {
    await run("lasting", COUNTER, "--init");
    await heard("lasting", "ready");
    assert.match(await refusal("container", "checkpoint", "lasting"), /small init/);
    await ok("rm", "-f", "lasting");
    await run("connected", CONNECTED);
    await say("connected", "a");
    await heard("connected", "a\n");
    assert.match(
      await refusal("container", "checkpoint", "connected"),
      /--tcp-established[\s\S]*Try reading ".*dump\.log"/,
    );
    assert.equal(await status("connected"), "running");
    await ok("container", "checkpoint", "--tcp-established", "connected");
    await ok("container", "restore", "--tcp-established", "connected");
    await say("connected", "b");
    await heard("connected", "b\n");
    await ok("rm", "-f", "connected");
  });

  test("goes to an archive, from which the container is made anew, with what it has written", async () => {
    const machines = ["-v", "kept:/kept", "-v", "/own", "--label", "team=a"];
    await run("moving", `echo kept >/kept/file; echo own >/own/file; rm /bin/wget; ${COUNTER}`, ...machines);
    await heard("moving", "ready");
    await say("moving", "a");
    await heard("moving", "1 a");
    const archive = (kind: string): string => `${fixture.directory}/moving.${kind}.tar`;
    for (const kind of ["none", "gzip"]) {
      await ok("container", "checkpoint", "--leave-running", "-e", archive(kind), "--compress", kind, "moving");
    }
    const listed = execFileSync("tar", ["-tf", archive("none")], { encoding: "utf8" }).split("\n");
    for (const name of ["orlop.json", "rootfs-diff.tar", "volumes/0.tar", "checkpoint/inventory.img"]) {
      assert.ok(listed.includes(name), listed.join());
    }
    assert.match(await refusal("container", "restore", "-i", archive("none")), /name "moving": it is already in use/);
    assert.match(await refusal("container", "restore", "-n", "again", "-i", archive("none")), /volume "kept" is there/);
    await ok("container", "checkpoint", "--export", archive("zstd"), "moving");
    assert.equal(await ok("checkpoint", "ls", "moving"), "CHECKPOINT NAME");
    await ok("rm", "moving");
    await ok("volume", "rm", "kept");

    const id = await ok("container", "restore", "--import", archive("zstd"));
    assert.equal(
      await ok("inspect", "-f", "{{.ID}} {{.Config.Image}} {{.Config.Labels.team}}", "moving"),
      `${id} box:1 a`,
    );
    await say("moving", "b");
    await heard("moving", "2 b");
    const look = 'cat /count /kept/file /own/file; [ -e /bin/wget ] || echo "no wget"';
    assert.equal(await ok("exec", "moving", "sh", "-c", look), "2\nkept\nown\nno wget");
    await ok("container", "restore", "-i", archive("gzip"), "--name", "again", "--ignore-volumes");
    await say("again", "c");
    await heard("again", "2 c");
    await ok("rm", "-fv", "moving", "again");
    await ok("volume", "rm", "kept");
    await ok("image", "prune", "-f");
    assert.deepEqual((await ok("images", "-aq")).split("\n").length, 1);
  });

  test("nothing is left of all these containers", async () => {
    assert.equal(await ok("ps", "-aq"), "");
    assert.deepEqual(await findLeftovers(fixture.containerIds(), "/run/orlop"), []);
  });
});
