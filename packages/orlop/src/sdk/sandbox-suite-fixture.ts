import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { patience } from "@orlop/testkit";
import { findLeftovers } from "../e2e/leftovers-fixture.ts";
import { Engine, Sandbox, type SandboxOptions } from "../index.ts";

interface SandboxSuiteOptions {
  readonly skip: string | false;
  readonly stateDirectory: string;
  /** Absent: there is no busybox to make a root file system of. */
  readonly makeBusybox?: (directory: string) => void;
}

/** What a sandbox promises, for whoever runs it. */
export function sandboxSuite({ skip, stateDirectory, makeBusybox }: SandboxSuiteOptions): void {
  const ids: string[] = [];
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "orlop-sandbox-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const create = async (options: Partial<SandboxOptions> = {}): Promise<Sandbox> => {
    const box = await Sandbox.create({ image: "host", ...options });
    ids.push(box.id);
    return box;
  };

  describe("a sandbox", { skip }, () => {
    commandTests(create);
    endTests(create);
    fileTests(create, () => directory, makeBusybox);

    test("is shown by the list of containers, by its labels", async () => {
      await using box = await create({ labels: { of: "suite" } });
      await using engine = await Engine.open();
      const shown = (await engine.containers.list()).find(({ id }) => id === box.id);
      assert.deepEqual([shown?.status, shown?.labels.of], ["running", "suite"]);
    });

    test("goes with a process that is killed, and the next one removes what is left", async () => {
      const { child, id } = await startElsewhere();
      child.kill("SIGKILL");
      await once(child, "exit");
      ids.push(id);
      await using box = await create();
      assert.equal((await box.$`true`).exitCode, 0);
      await box[Symbol.asyncDispose]();
      assert.deepEqual(await findLeftovers([id], stateDirectory), []);
    });

    test("leaves nothing", async () => {
      assert.ok(ids.length > 10);
      assert.deepEqual(await findLeftovers(ids, stateDirectory), []);
    });
  });
}

type Create = (options?: Partial<SandboxOptions>) => Promise<Sandbox>;

function commandTests(create: Create): void {
  test("runs commands whose arguments are what they are", async () => {
    await using box = await create({ env: { A: "1" }, workdir: "/tmp" });
    assert.deepEqual(await box.$`printf ${"[%s]"} ${"a  b"} ${"$(id); x"} ${["c", "d"]}`, {
      exitCode: 0,
      signal: undefined,
      oomKilled: false,
      timedOut: false,
      stdout: "[a  b][$(id); x][c][d]",
      stderr: "",
    });
    const { stdout, stderr, exitCode } = await box.sh`echo "$A $B" ${"$A"}; pwd; echo to err >&2; exit 7`;
    assert.deepEqual([stdout, stderr, exitCode], ["1  $A\n/tmp\n", "to err\n", 7]);
    const given = await box.run(["sh", "-c", "cat; echo $A$B; pwd"], {
      input: "in\n",
      env: { B: "2" },
      workdir: "/",
    });
    assert.equal(given.stdout, "in\n12\n/\n");
  });

  test("has no network but its own loopback, unless it is given one", async () => {
    await using box = await create();
    const { stdout } = await box.sh`cat /proc/net/dev | tail -n +3 | cut -d: -f1`;
    assert.equal(stdout.trim(), "lo");
  });

  test("gives output as it comes, by descriptor", async () => {
    await using box = await create();
    const program = box.spawn(["sh", "-c", "echo out; echo err >&2; read line; echo $line"], { input: "in\n" });
    const texts = { 1: "", 2: "" };
    for await (const { fd, data } of program) texts[fd] += data.toString();
    assert.deepEqual(texts, { 1: "out\nin\n", 2: "err\n" });
    assert.equal((await program.ended).exitCode, 0);
  });

  test("loses nothing of much output, and waits for who takes it slowly", async () => {
    await using box = await create();
    let length = 0;
    for await (const { data } of box.spawn(["head", "-c", "5000000", "/dev/zero"])) {
      length += data.length;
      await new Promise(setImmediate);
    }
    assert.equal(length, 5_000_000);
  });

  test("does not wait for what a command has left behind", async () => {
    await using box = await create();
    const { stdout } = await box.sh`(sleep 1000; echo late) & echo done`;
    assert.equal(stdout, "done\n");
  });
}

function endTests(create: Create): void {
  test("ends what has put out too much, and says so", async () => {
    await using box = await create();
    const endless = box.run(["sh", "-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyy; done"], {
      outputMaxBytes: 1000,
    });
    await assert.rejects(endless, { code: "exhausted", field: "outputMaxBytes", message: /more than 1000 bytes/ });
    await expectIdle(box);
  });

  test("ends a command with all that it has started at its time limit", async () => {
    await using box = await create();
    const { timedOut, signal } = await box.run(["sh", "-c", "sleep 1001 & sh -c 'sleep 1002; true' & sleep 1003"], {
      timeoutMs: 300,
    });
    assert.deepEqual([timedOut, signal], [true, "SIGKILL"]);
    await expectIdle(box);
  });

  test("ends a command with its signal, and a loop that is left", async () => {
    await using box = await create();
    const abort = new AbortController();
    const running = box.run(["sleep", "1000"], { signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(running, { code: "cancelled" });
    await assert.rejects(box.run(["true"], { signal: abort.signal }), { code: "cancelled" });
    for await (const { data } of box.spawn(["sh", "-c", "echo go; sleep 1000"])) {
      assert.equal(data.toString(), "go\n");
      break;
    }
    await expectIdle(box);
  });

  test("takes signals for a program", async () => {
    await using box = await create();
    const program = box.spawn(["sh", "-c", "trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.01; done"]);
    let text = "";
    for await (const { data } of program) {
      text += data;
      if (text === "ready\n") await program.kill("SIGUSR1");
    }
    assert.equal(text, "ready\ngot\n");
    assert.equal((await program.ended).exitCode, 5);
    await assert.rejects(program.kill(), { code: "conflict" });
  });

  test("tells of a program that is not there or cannot be executed", async () => {
    await using box = await create();
    await assert.rejects(box.$`/no/such/program`, { name: "OrlopError", code: "executable-not-found" });
    await assert.rejects(box.$`/etc/passwd`, { code: "executable-refused" });
  });

  test("ends with its own time limit, signal and disposal", async () => {
    await using limited = await create({ timeoutMs: 3000 });
    assert.equal((await limited.$`sleep 1000`).timedOut, true);
    await assert.rejects(limited.$`true`, { code: "conflict", message: /its time is over/ });
    const abort = new AbortController();
    await using signalled = await create({ signal: abort.signal });
    const cut = signalled.$`sleep 1000`;
    abort.abort();
    await assert.rejects(cut, { code: "cancelled" });
    const closed = await create();
    const cutOff = assert.rejects(closed.$`sleep 1000`, { code: "cancelled" });
    await closed[Symbol.asyncDispose]();
    await cutOff;
    await closed[Symbol.asyncDispose]();
    await assert.rejects(closed.fs.read("/etc/passwd"), { code: "conflict", message: /it was closed/ });
  });

  test("is refused when its signal has aborted already", async () => {
    await assert.rejects(create({ signal: AbortSignal.abort() }), { code: "cancelled" });
  });
}

function fileTests(create: Create, directory: () => string, makeBusybox: SandboxSuiteOptions["makeBusybox"]): void {
  test("sees mounts read-only unless they are to be written to", async () => {
    const [read, written] = ["read", "written"].map((name) => join(directory(), name)) as [string, string];
    for (const path of [read, written]) mkdirSync(path);
    writeFileSync(join(read, "a"), "of the host");
    const mounts = [
      { from: read, to: "/mnt/r" },
      { from: written, to: "/mnt/w", mode: "rw" },
    ] as const;
    await using box = await create({ mounts });
    assert.equal((await box.sh`cat /mnt/r/a > /mnt/w/b; cat /mnt/w/b`).stdout, "of the host");
    assert.notEqual((await box.sh`echo no > /mnt/r/a`).exitCode, 0);
    await assert.rejects(box.fs.write("/mnt/r/a", "no"), { errno: "EROFS" });
    await box.fs.write("/mnt/w/c", "by fs");
    assert.equal(readFileSync(join(written, "b"), "utf8"), "of the host");
    assert.equal(readFileSync(join(written, "c"), "utf8"), "by fs");
    await assert.rejects(create({ mounts: [{ from: join(directory(), "none"), to: "/x" }] }), { code: "not-found" });
  });

  test("tells of no differences where there is no image", async () => {
    await using box = await create();
    await assert.rejects(box.fs.diff(), { code: "unsupported" });
  });

  test("needs no program in its root file system", {
    skip: makeBusybox === undefined && "needs busybox",
  }, async () => {
    const root = join(directory(), "root");
    mkdirSync(join(root, "etc"), { recursive: true });
    await using box = await create({ image: { dir: root } });
    await box.fs.write("/etc/motd", "nobody here");
    assert.equal(await box.fs.readText("/etc/motd"), "nobody here");
    await assert.rejects(box.sh`true`, { code: "executable-not-found" });
    const busy = join(directory(), "busy");
    makeBusybox?.(busy);
    await using other = await create({ image: { dir: busy } });
    assert.equal((await other.$`echo ${"it runs"}`).stdout, "it runs\n");
  });
}

/** Longer than the kernel takes for the exit of what was killed. */
const EXIT_MAX_MS = patience(5000);

/** Init and the program that looks are all that is there. */
async function expectIdle(box: Sandbox): Promise<void> {
  const deadline = performance.now() + EXIT_MAX_MS;
  const look = ["sh", "-c", "for p in /proc/[0-9]*; do read name < $p/comm && echo $name; done"];
  for (;;) {
    const names = (await box.run(look)).stdout.trim().split("\n");
    if (names.length > 2 && performance.now() < deadline) continue;
    assert.deepEqual(names, ["orlop-init", "sh"]);
    return;
  }
}

/** A process of its own with a sandbox in which something runs. */
async function startElsewhere(): Promise<{ readonly child: ChildProcess; readonly id: string }> {
  const script = `
    import { Sandbox } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
    const box = await Sandbox.create({ image: "host" });
    for await (const { data } of box.spawn(["sh", "-c", "echo go; sleep 1000"])) console.log(box.id);
  `;
  const args = ["-C", "source", "--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [data] = (await once(child.stdout, "data")) as [Buffer];
  return { child, id: data.toString().trim() };
}
