import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandFixture } from "../e2e/command-fixture.ts";
import { DaemonProcess } from "../e2e/daemon-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const BYTES = 512;

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  "is damaged": (path) => {
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(BYTES, "no database"), 0, BYTES, 0);
    closeSync(file);
    for (const part of ["-wal", "-shm"]) rmSync(`${path}${part}`, { force: true });
  },
  "is empty": (path) => {
    for (const part of ["", "-wal"]) truncateSync(`${path}${part}`);
    rmSync(`${path}-shm`);
  },
  "is gone": (path) => {
    for (const part of ["", "-wal", "-shm"]) rmSync(`${path}${part}`);
  },
};

/** A container that runs, one that does not, and a volume. */
class Subject implements Disposable {
  readonly fixture: CommandFixture = new CommandFixture();
  readonly path: string = join(this.fixture.store, "metadata.db");

  async ok(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  async make(): Promise<void> {
    const flags = (): readonly string[] => ["-d", ...this.fixture.idFlags(), "--name"];
    await this.ok("run", ...flags(), "runs", "host", "sh", "-c", "echo first; exec sleep 1000");
    await this.ok("create", ...flags().slice(1), "waits", "-l", "a=b", "host", "sh", "-c", "exit 7");
    await this.ok("volume", "create", "kept");
  }

  async checkRefused(): Promise<void> {
    for (const args of [["ps"], ["create", "host"], ["rm", "-f", "runs"]]) {
      const { exitCode, stderr } = await this.fixture.orlop(args);
      assert.deepEqual(
        [exitCode === 0, /metadata\.db": .*\nTry "orlop system check --repair"/.test(stderr)],
        [false, true],
      );
    }
  }

  async checkWhole(): Promise<void> {
    assert.equal(
      await this.ok("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Labels}}"),
      "waits created a=b\nruns running",
    );
    assert.equal(await this.ok("exec", "runs", "cat", "/proc/1/comm"), "sleep");
    assert.equal(await this.ok("logs", "runs"), "first");
    assert.equal((await this.fixture.orlop(["start", "-a", "waits"])).exitCode, 7);
    assert.equal(await this.ok("volume", "ls", "-q"), "kept");
    assert.equal(await this.ok("stop", "-t", "0", "runs"), "runs");
    assert.equal(await this.ok("wait", "runs"), "137");
    await this.ok("rm", "runs", "waits");
    assert.equal(await this.ok("system", "check", "-q"), "");
  }

  [Symbol.dispose](): void {
    this.fixture[Symbol.dispose]();
  }
}

for (const [kind, damage] of Object.entries(DAMAGES)) {
  // That is what the daemon's test is about.
  if (kind === "is gone") continue;
  test(`where the database ${kind}, what runs goes on, and all is known again after the repair`, { skip }, async () => {
    using subject = new Subject();
    const { path } = subject;
    await subject.make();
    assert.match(await subject.ok("system", "check"), /^LAYER/);
    damage(path);
    await subject.checkRefused();
    const { exitCode, stdout, stderr } = await subject.fixture.orlop(["system", "check", "-q"]);
    assert.deepEqual([exitCode, /^database ".*"/.test(stdout), /--repair/.test(stderr)], [1, true, true], stdout);
    const left = existsSync(path) ? readFileSync(path) : undefined;
    const said = await subject.ok("system", "check", "--repair", "--quick");
    assert.match(said, /made again of its copy/);
    const kept = readdirSync(subject.fixture.store).find((name) => name.endsWith("metadata.db-damaged-1"));
    assert.deepEqual(kept && readFileSync(join(subject.fixture.store, kept)), left);
    await subject.checkWhole();
  });
}

test("a daemon refuses calls while the database is gone, and goes on when it is there again", { skip }, async () => {
  using subject = new Subject();
  await using _daemon = await DaemonProcess.start(subject.fixture);
  await subject.make();
  DAMAGES["is gone"]?.(subject.path);
  await subject.checkRefused();
  await subject.ok("system", "check", "-qr");
  await subject.checkWhole();
});

test("where neither the database nor its copy can be read, both stay as they are", { skip }, async () => {
  using subject = new Subject();
  await subject.ok("volume", "create", "kept");
  DAMAGES["is damaged"]?.(subject.path);
  truncateSync(`${subject.path}-changes`, 10);
  rmSync(`${subject.path}-base`, { force: true });
  const { exitCode, stderr } = await subject.fixture.orlop(["system", "check", "-qr"]);
  assert.deepEqual([exitCode, /Cannot repair database/.test(stderr)], [1, true], stderr);
  assert.ok(existsSync(subject.path));
  for (const flag of ["--force", "--max-age"]) {
    const refused = await subject.fixture.orlop(["system", "check", flag, "1"]);
    assert.match(refused.stderr, /Cannot use flag/);
  }
});
