import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";
import { REPORT, reportKind } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { abortable } from "./abortable.ts";
import { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";

const RECORD: ContainerRecord = {
  schemaVersion: 1,
  id: "c1",
  ociVersion: "1.0.2",
  bundle: "/bundle",
  annotations: { a: "b" },
  cgroups: [],
  namespaces: ["pid", "mount"],
  ownPidNamespace: true,
  detached: false,
  createdAtMs: 5,
  bootId: "boot",
  rootfs: "",
  ownerUid: 0,
  startSteps: [
    { from: 10, action: 'say "ready" to the reaper and wait' },
    { from: 20, action: 'execute "sh"', field: "process.args[0]" },
  ],
};

function report(kind: "created" | "exited" | "failed", index: number, value: number): Buffer {
  const bytes = Buffer.alloc(REPORT.size);
  bytes.writeUInt32LE(REPORT.size, 0);
  bytes.writeUInt32LE(reportKind(kind), REPORT.fields.kind.offset);
  bytes.writeUInt32LE(index, REPORT.fields.index.offset);
  bytes.writeBigInt64LE(BigInt(value), REPORT.fields.value.offset);
  return bytes;
}

/** `ORLOP_FUZZ_RUNS=100000` looks for longer. */
const RUNS = Number(process.env.ORLOP_FUZZ_RUNS ?? 300);

/** Removes files whenever it is its turn. */
const REMOVER = `
  const { unlinkSync } = require("node:fs");
  const { paths, turn } = require("node:worker_threads").workerData;
  for (;;) {
    Atomics.wait(turn, 0, 0);
    for (const path of paths) try { unlinkSync(path); } catch {}
    Atomics.store(turn, 0, 0);
    Atomics.notify(turn, 0);
  }
`;

/** A container's directory, and what stands for its reaper: somebody who has the control pipe open. */
async function withContainer(
  work: (directory: ContainerDirectory, reaper: { readonly control: number; end(): void }) => Promise<void> | void,
): Promise<void> {
  await withTemporaryDirectory(async (path) => {
    const directory = new ContainerDirectory(join(path, "c1"));
    directory.create(RECORD, undefined);
    execFileSync("mkfifo", [join(directory.path, "control")]);
    const control = openSync(join(directory.path, "control"), "r+");
    let open = true;
    const end = (): void => {
      if (open) closeSync(control);
      open = false;
    };
    try {
      await work(directory, { control, end });
    } finally {
      end();
    }
  });
}

suite("a container's directory", () => {
  test("keeps the record, for its owner only", () =>
    withContainer((directory) => {
      assert.deepEqual(directory.record("c1"), RECORD);
      assert.equal(statSync(directory.path).mode & 0o777, 0o700);
      assert.equal(statSync(join(directory.path, "container.json")).mode & 0o777, 0o600);
      assert.equal(existsSync(join(directory.path, "container.json.new")), false);
      assert.deepEqual(ContainerDirectory.list(join(directory.path, "..")), ["c1"]);
    }));

  test("is made once", () =>
    withContainer((directory) => {
      assert.throws(() => directory.create(RECORD, undefined), {
        code: "exists",
        message: 'Cannot create container "c1": a container of this id exists',
      });
    }));

  test("that cannot be written says of which container it would be, and where", () =>
    withTemporaryDirectory((root) => {
      const gone = join(root, "gone");
      assert.throws(() => new ContainerDirectory(join(gone, "c1")).create(RECORD, undefined), {
        code: "not-found",
        message: `Cannot write down container "c1" in "${gone}": no such file or directory`,
      });
    }));

  test("gives back the filter that the execs get", () =>
    withTemporaryDirectory((path) => {
      const directory = new ContainerDirectory(join(path, "c1"));
      const filter = Uint8Array.from({ length: 24 }, (_, index) => index);
      const seccomp = { filter, instructionCount: 3, flags: 6, listener: undefined, ignoredNames: [] };
      directory.create(RECORD, seccomp);
      assert.deepEqual(directory.seccomp(), seccomp);
      // An exec without it, or with a part of it, would be one with more rights.
      for (const length of [0, 7, 31]) {
        truncateSync(join(directory.path, "seccomp"), length);
        assert.throws(() => directory.seccomp(), { code: "failed", message: /container "c1": its seccomp filter is/ });
      }
      directory.remove();
      assert.deepEqual(readdirSync(path), []);
    }));

  test("of another version, a damaged one and one that was never finished are told apart", () =>
    withTemporaryDirectory((path) => {
      const write = (id: string, text: string | undefined): ContainerDirectory => {
        mkdirSync(join(path, id));
        if (text !== undefined) writeFileSync(join(path, id, "container.json"), text);
        return new ContainerDirectory(join(path, id));
      };
      const unfinished = write("unfinished", undefined);
      writeFileSync(join(unfinished.path, "container.json.new"), '{"schemaVersion":1');
      assert.throws(() => unfinished.record("unfinished"), {
        code: "not-found",
        message: /^Cannot find container "unfinished"/,
      });
      assert.throws(() => write("later", '{"schemaVersion":2}').record("later"), {
        code: "unsupported",
        message: 'Cannot read container "later": its record has version 2',
      });
      for (const [id, text] of Object.entries({ cut: '{"schemaVersion":1', empty: "", odd: "null", list: "[]" })) {
        assert.throws(() => write(id, text).record(id), { name: "OrlopError", message: /^Cannot read container / }, id);
      }
      assert.equal(ContainerDirectory.list(path).includes("unfinished"), false);
      unfinished.remove();
      assert.equal(existsSync(unfinished.path), false);
    }));

  test("that was not finished is no container, and is swept up when its maker is dead", () =>
    withTemporaryDirectory((root) => {
      const dead = spawnSync("true").pid;
      const unfinished = (pid: number): string => join(root, `~${pid}~c1`);
      for (const pid of [dead, process.pid]) mkdirSync(unfinished(pid));
      writeFileSync(join(unfinished(dead), "container.json"), "");
      new ContainerDirectory(join(root, ".c2")).create({ ...RECORD, id: ".c2" }, undefined);
      ContainerDirectory.sweep(root);
      assert.equal(existsSync(unfinished(dead)), true);
      utimesSync(unfinished(dead), 0, 0);
      utimesSync(unfinished(process.pid), 0, 0);
      ContainerDirectory.sweep(root);
      assert.equal(existsSync(unfinished(dead)), false);
      assert.equal(existsSync(unfinished(process.pid)), true);
      assert.deepEqual(ContainerDirectory.list(root), [".c2"]);
    }));

  test("is gone at once when it is taken away, and its files when somebody comes to it", () =>
    withTemporaryDirectory((root) => {
      const directory = new ContainerDirectory(join(root, "c1"));
      const make = (): void => {
        directory.create(RECORD, undefined);
        mkdirSync(join(directory.path, "exec", "e1"), { recursive: true });
      };
      make();
      const removeRest = directory.takeAway();
      assert.throws(() => directory.record("c1"), { code: "not-found" });
      assert.deepEqual(ContainerDirectory.list(root), []);
      assert.deepEqual(readdirSync(root), [`~${process.pid}~c1`]);
      removeRest();
      assert.deepEqual(readdirSync(root), []);
      make();
      const removeAgain = directory.takeAway();
      make();
      removeAgain();
      assert.ok(directory.exists(), "the next one of that id stays");
      directory.takeAway()();
      assert.deepEqual(readdirSync(root), [], "what is not there is taken away, too");
    }));

  test("is removed whole, also while a program that ends removes files of its own there", () =>
    withTemporaryDirectory(async (root) => {
      const exec = join(root, "c1", "exec", "e");
      const names = ["a", "b", "c", "d", "e", "f"];
      const turn = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(REMOVER, { eval: true, workerData: { paths: names.map((n) => join(exec, n)), turn } });
      try {
        await once(worker, "online");
        for (let round = 0; round < RUNS; round++) {
          mkdirSync(exec, { recursive: true });
          for (const name of names) writeFileSync(join(exec, name), "");
          Atomics.store(turn, 0, 1);
          Atomics.notify(turn, 0);
          new ContainerDirectory(join(root, "c1")).remove();
          assert.deepEqual(readdirSync(root), [], `round ${round}`);
          Atomics.wait(turn, 0, 1);
        }
      } finally {
        await worker.terminate();
      }
    }));

  test("may have the longest name that an id can have", () =>
    withTemporaryDirectory((root) => {
      const id = "x".repeat(255);
      new ContainerDirectory(join(root, id)).create({ ...RECORD, id }, undefined);
      assert.deepEqual(readdirSync(root), [id]);
    }));

  test("knows no reports that are cut off or foreign", () =>
    withContainer((directory) => {
      const path = join(directory.path, "exit");
      for (const bytes of [Buffer.alloc(0), report("exited", 1, 7).subarray(0, 100), Buffer.alloc(REPORT.size)]) {
        writeFileSync(path, bytes);
        assert.equal(directory.exit(), undefined);
      }
      writeFileSync(path, report("exited", 1, 7));
      assert.equal(directory.exit()?.value, 7);
    }));
});

suite("the control pipe", () => {
  test("carries commands to the reaper", () =>
    withContainer((directory, { control }) => {
      assert.equal(directory.supervised(), true);
      directory.command("signal", 15);
      const bytes = Buffer.alloc(8);
      assert.equal(readSync(control, bytes), 8);
      assert.deepEqual([...bytes], [2, 0, 0, 0, 15, 0, 0, 0]);
    }));

  test("is nothing to wait for without a reaper, or when it is full", () =>
    withContainer((directory, { end }) => {
      for (let count = 0; count < 8192; count++) directory.command("resize", count);
      const full = { code: "conflict", message: "Cannot reach container: too many commands wait for its reaper" };
      assert.throws(() => directory.command("signal", 9), full);
      end();
      assert.equal(directory.supervised(), false);
      assert.throws(() => directory.command("signal", 9), {
        code: "conflict",
        message: "Cannot reach container: it is not running",
      });
      directory.tryCommand("signal", 9);
    }));
});

suite("waiting in a container's directory", () => {
  /** As a reaper writes it: under another name until it is whole. */
  function keep(directory: ContainerDirectory, name: string, bytes: Uint8Array): void {
    writeFileSync(join(directory.path, `${name}.new`), bytes);
    renameSync(join(directory.path, `${name}.new`), join(directory.path, name));
  }

  test("for an exit ends with its record, before it or after", () =>
    withContainer(async (directory) => {
      const early = directory.waitForExit();
      keep(directory, "exit", report("exited", 1, 7));
      assert.equal((await early).value, 7);
      assert.equal((await directory.waitForExit()).value, 7);
    }));

  test("for an exit ends when the reaper dies without a record, or the directory goes", () =>
    withContainer(async (directory, reaper) => {
      const waiting = directory.waitForExit();
      reaper.end();
      await assert.rejects(waiting, { code: "failed", message: /^Cannot wait for container: its reaper was killed/ });
      directory.remove();
      await assert.rejects(directory.waitForExit(), {
        name: "OrlopError",
        code: "not-found",
        message: /^Cannot wait for container/,
      });
    }));

  test("for a start ends with the mark, the failure in words, or the end before either", () =>
    withContainer(async (directory) => {
      const started = directory.waitForStart(RECORD);
      writeFileSync(join(directory.path, "started"), "");
      await started;
      const other = new ContainerDirectory(directory.path);
      await other.waitForStart(RECORD);
    }));

  test("for a start rejects with the step that failed", () =>
    withContainer(async (directory) => {
      const waiting = directory.waitForStart(RECORD);
      keep(directory, "failed", report("failed", 25, 2));
      await assert.rejects(waiting, {
        code: "executable-not-found",
        message: 'Cannot execute "sh": executable file not found: no such file or directory (process.args[0])',
      });
    }));

  test("for a start rejects when the container ended first", () =>
    withContainer(async (directory) => {
      const waiting = directory.waitForStart(RECORD);
      keep(directory, "exit", report("exited", 2, 9));
      await assert.rejects(waiting, {
        code: "conflict",
        message: 'Cannot start container "c1": it was ended before its program ran',
      });
    }));

  test("for the reaper ends when nobody reads the pipe", () =>
    withContainer(async (directory, reaper) => {
      const waiting = directory.waitForReaper();
      reaper.end();
      await waiting;
    }));

  test("can be given up, before and while", async () => {
    const controller = new AbortController();
    const waiting = abortable(new Promise(() => {}), controller.signal);
    controller.abort();
    await assert.rejects(waiting, { code: "cancelled" });
    await assert.rejects(abortable(Promise.resolve(1), AbortSignal.abort()), { code: "cancelled" });
    assert.equal(await abortable(Promise.resolve(1), new AbortController().signal), 1);
  });
});

suite("the directory of an exec", () => {
  test("has a name that is its own", () =>
    withContainer((directory) => {
      for (const id of ["", ".", "..", "a/b", "../../c2", "a\0b"]) {
        assert.throws(() => directory.exec(id), { code: "invalid" }, id);
        assert.throws(() => directory.knownExec(id), { code: "invalid" }, id);
      }
      assert.throws(() => directory.knownExec("e1"), {
        code: "not-found",
        message: 'Cannot find exec "e1": it does not exist',
      });
      directory.exec("e1").make("e1");
      assert.equal(directory.knownExec("e1").path, join(directory.path, "exec", "e1"));
      assert.throws(() => directory.exec("e1").make("e1"), {
        code: "exists",
        message: 'Cannot exec "e1": an exec of this id exists',
      });
      directory.remove();
      assert.equal(existsSync(directory.path), false);
    }));
});
