import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Hooks } from "@orlop/core";
import { ContainerDirectory } from "../../process/container-directory.ts";
import type { ContainerRecord } from "../../process/container-record.ts";
import { until } from "../../process/process-bench-fixture.ts";
import { type CommandBench, type RunningCall, withCommand } from "./command-bench-fixture.ts";

/** A hook that ends the process whose id is in a file, and stays until it is ended itself. */
function killer(file: string): Hooks {
  const script = `kill -9 $(cat ${file}); exec sleep 1000`;
  return { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }] };
}

/** Says "ready", and ends with 5 on SIGTERM. */
const PATIENT: readonly string[] = ["/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done"];

/** The program runs, and the process that was called stands for it. */
async function untilReady(call: RunningCall): Promise<void> {
  await until("the container's program", () => (call.said().stdout === "ready\n" ? true : undefined));
  await until("a launcher that takes signals", () =>
    hasBlocked(call.pid, constants.signals.SIGTERM) ? true : undefined,
  );
}

/** proc_pid_status(5) */
function hasBlocked(pid: number, signal: number): boolean {
  const mask = /^SigBlk:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

function endResident(bench: CommandBench): Promise<void> {
  return bench.endResidents("SIGKILL");
}

/** What is written down of a container before anything is made. */
function recordFor(id: string, makerPid: number): ContainerRecord {
  return {
    schemaVersion: 1,
    id,
    ociVersion: "1.3.0",
    bundle: "/",
    annotations: {},
    cgroups: [],
    namespaces: [],
    ownPidNamespace: true,
    detached: true,
    createdAtMs: Date.now(),
    bootId: "",
    rootfs: "",
    makerPid,
    ownerUid: 0,
    startSteps: [],
  };
}

const BROKE_OFF = "orlop-oci: Cannot finish this call: the resident process that served it has ended\n";

suite("the end of the resident process", () => {
  test("before it has answered leaves the whole call to Node", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(["/bin/sh", "-c", "exit 6"]);
      const before = bench.remember();
      process.kill(bench.resident, "SIGSTOP");
      const run = bench.start(["run", "--bundle", path, id]);
      await until("a launcher that serves", () => (hasBlocked(run.pid, constants.signals.SIGCHLD) ? true : undefined));
      await endResident(bench);
      const { status, stderr } = await run.ended;
      assert.deepEqual([status, stderr], [6, ""]);
      await bench.expectNothingLeft(before);
    });
  });

  test("after it has taken an id for a call leaves that to the same call, and to no other", async (t) => {
    await withCommand(t, async (bench) => {
      const before = bench.remember();
      for (const isOwn of [true, false]) {
        const { id, path } = bench.bundle(["/bin/sh", "-c", "exit 6"]);
        const go = bench.path(`go-${id}`);
        const wait = ["sh", "-c", `while ! [ -e ${go} ]; do sleep 0.01; done; exec "$@"`, "sh"];
        const env = { ORLOP_OCI_RESIDENT: "0" };
        const run = bench.start(["run", "--bundle", path, id], { before: wait, env });
        mkdirSync(bench.root, { recursive: true });
        new ContainerDirectory(join(bench.root, id)).create(recordFor(id, isOwn ? run.pid : run.pid + 1), undefined);
        writeFileSync(go, "");
        const { status, stderr } = await run.ended;
        if (isOwn) assert.deepEqual([status, stderr], [6, ""]);
        else assert.match(stderr, /already exists/);
      }
      rmSync(bench.root, { recursive: true });
      await bench.expectNothingLeft(before);
    });
  });

  test("while it makes a container is told in one line, and nothing is left", async (t) => {
    await withCommand(t, async (bench) => {
      for (const verb of ["create", "run"]) {
        await bench.warm();
        const victim = bench.path("victim");
        const { id, path } = bench.bundle(PATIENT, { top: { hooks: killer(victim) } });
        writeFileSync(victim, String(bench.resident));
        const before = bench.remember();
        const { status, stderr } = await bench.call([verb, "--bundle", path, id]);
        assert.deepEqual([status, stderr], [1, BROKE_OFF], verb);
        await bench.expectNothingLeft(before);
      }
    });
  });

  test("between two calls is not noticed", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(PATIENT);
      const before = bench.remember();
      assert.equal((await bench.callServed(["create", "--bundle", path, id])).status, 0);
      await endResident(bench);
      assert.equal((await bench.call(["start", id])).status, 0);
      await bench.untilResident();
      assert.equal((await bench.callServed(["delete", "--force", id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });

  test("does not end what runs in the foreground, nor change how it ends", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(PATIENT);
      const kept = bench.bundle(PATIENT);
      const before = bench.remember();
      const runs = [
        bench.start(["run", "--bundle", path, id]),
        bench.start(["run", "--keep", "--bundle", kept.path, kept.id]),
      ];
      for (const run of runs) await untilReady(run);
      const exec = bench.start(["exec", id, ...PATIENT]);
      await untilReady(exec);
      await endResident(bench);
      for (const call of [exec, ...runs]) {
        call.child.kill("SIGTERM");
        const { status, stderr } = await call.ended;
        assert.deepEqual([status, stderr], [5, ""]);
      }
      assert.equal((await bench.state(kept.id)).status, "stopped");
      assert.equal((await bench.call(["delete", kept.id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });

  test("at any moment is a success or one clear error", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const base = bench.bundle(["/bin/sleep", "1000"]);
      assert.equal((await bench.callServed(["run", "-d", "--bundle", base.path, base.id])).status, 0);
      const before = bench.remember();
      for (const [index, delayMs] of [0, 2, 4, 8].entries()) {
        await bench.warm();
        const { id, path } = bench.bundle(["/bin/sh", "-c", "exit 3"]);
        const calls = [
          bench.start(["run", "--bundle", path, id]),
          bench.start(["exec", "-d", base.id, "/bin/sleep", `${2000 + index}`]),
        ];
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await endResident(bench);
        const [run, exec] = await Promise.all(calls.map(({ ended }) => ended));
        assert.ok(run?.status === 3 || (run?.status === 1 && run.stderr === BROKE_OFF), JSON.stringify(run));
        assert.ok(exec?.status === 0 || (exec?.status === 1 && exec.stderr === BROKE_OFF), JSON.stringify(exec));
        const lives = execFileSync("ps", ["ax", "-o", "args"], { encoding: "utf8" }).includes(`sleep ${2000 + index}`);
        assert.equal(lives, exec.status === 0);
      }
      assert.equal((await bench.call(["delete", "--force", base.id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });
});

suite("the end of a launcher", () => {
  test("while its container is made leaves nothing", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const victim = bench.path("victim");
      const hook = `while ! [ -s ${victim} ]; do sleep 0.01; done; kill -9 $(cat ${victim})`;
      const createRuntime = [{ path: "/bin/sh", args: ["sh", "-c", hook], env: ["PATH=/usr/bin:/bin"] }];
      const { id, path } = bench.bundle(PATIENT, { top: { hooks: { createRuntime } } });
      const before = bench.remember();
      const call = bench.startServed(["create", "--bundle", path, id]);
      writeFileSync(victim, String(call.pid));
      assert.equal((await call.ended).signal, "SIGKILL");
      await bench.expectNothingLeft(before);
    });
  });

  test("in the foreground leaves the container to its end", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const { id, path } = bench.bundle(PATIENT);
      const before = bench.remember();
      const run = bench.startServed(["run", "--pid-file", join(path, "pid"), "--bundle", path, id]);
      await untilReady(run);
      run.child.kill("SIGKILL");
      assert.equal((await run.ended).signal, "SIGKILL");
      assert.equal((await bench.state(id)).status, "running");
      process.kill(Number(readFileSync(join(path, "pid"), "utf8")), "SIGTERM");
      await bench.expectNothingLeft(before);
    });
  });
});

suite("a resident process that stands still for good", () => {
  test("is ended by who calls it, and the calls are done without", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = bench.remember();
      const { resident } = bench;
      process.kill(resident, "SIGSTOP");
      const runs = [5, 6].map((status) => {
        const { id, path } = bench.bundle(["/bin/sh", "-c", `exit ${status}`]);
        return bench.start(["run", "--bundle", path, id]).ended;
      });
      const ends = await Promise.all(runs);
      assert.deepEqual(
        ends.map(({ status, stderr }) => [status, stderr]),
        [
          [5, ""],
          [6, ""],
        ],
      );
      assert.ok(!bench.residents().includes(resident));
      await bench.expectNothingLeft(before);
    });
  });
});

/** A start that says where it has come to, stops there while there is a file `stop`, and counts the starts that are done. */
function stoppingStart(count: string): Hooks {
  const begin = "echo begun >> /begun; while [ -e /stop ]; do sleep 0.01; done";
  return {
    startContainer: [{ path: "/bin/sh", args: ["sh", "-c", begin], env: ["PATH=/bin"] }],
    poststart: [{ path: "/bin/sh", args: ["sh", "-c", `echo started >> ${count}`], env: ["PATH=/usr/bin:/bin"] }],
  };
}

function linesOf(path: string): number {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

suite("the start of a container", () => {
  test("is done by one of those who ask for it at once", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const count = bench.path("count");
      const { id, path } = bench.bundle(PATIENT, {
        top: { hooks: stoppingStart(count), root: { path: bench.rootfs } },
      });
      assert.equal((await bench.call(["create", "--bundle", path, id])).status, 0);
      const ways = [{}, {}, { ORLOP_OCI_RESIDENT: "0" }];
      const ends = await Promise.all(ways.map((env) => bench.call(["start", id], { env })));
      assert.equal(ends.filter(({ status }) => status === 0).length, 1, JSON.stringify(ends));
      const refused = /another call is starting it|already running|it is running|nothing in it waits to be started/;
      for (const { status, stderr } of ends) if (status !== 0) assert.match(stderr, refused);
      assert.equal((await bench.state(id)).status, "running");
      assert.deepEqual([linesOf(join(bench.rootfs, "begun")), linesOf(count)], [1, 1]);
      assert.equal((await bench.call(["delete", "--force", id])).status, 0);
    });
  });

  test("can be begun again where who serves it has been killed in the middle", async (t) => {
    await withCommand(t, async (bench) => {
      const { count, begun, stop, id, broken } = await stoppedStart(bench);
      assert.match((await bench.call(["start", id])).stderr, /another call is starting it/);
      await endResident(bench);
      assert.deepEqual([(await broken.ended).status, existsSync(begun)], [1, true]);
      rmSync(stop);
      const { status, stderr } = await bench.call(["start", id]);
      assert.deepEqual([status, stderr, linesOf(count)], [0, "", 1]);
      assert.equal((await bench.state(id)).status, "running");
      assert.equal((await bench.call(["delete", "--force", id])).status, 0);
    });
  });

  test("fails where its caller has been killed in the middle, and leaves nothing", async (t) => {
    await withCommand(t, async (bench) => {
      const { count, stop, id, broken, before } = await stoppedStart(bench);
      broken.child.kill("SIGKILL");
      await broken.ended;
      assert.match((await bench.call(["start", id])).stderr, /another call is starting it/);
      rmSync(stop);
      const gone = async (): Promise<true | undefined> =>
        (await bench.call(["state", id])).status === 1 ? true : undefined;
      await until("the end of the container", gone);
      assert.equal(linesOf(count), 0);
      await bench.expectNothingLeft(before);
    });
  });
});

/** A container whose start, served by the resident process, stands still in a hook until `stop` is removed. */
async function stoppedStart(bench: CommandBench) {
  await bench.warm();
  const [count, begun, stop] = [bench.path("count"), join(bench.rootfs, "begun"), join(bench.rootfs, "stop")];
  writeFileSync(stop, "");
  const hooks = stoppingStart(count);
  const { id, path } = bench.bundle(PATIENT, { top: { hooks, root: { path: bench.rootfs } } });
  const before = bench.remember();
  assert.equal((await bench.callServed(["create", "--bundle", path, id])).status, 0);
  const broken = bench.startServed(["start", id]);
  await until("the hook", () => (existsSync(begun) ? true : undefined));
  return { count, begun, stop, id, broken, before };
}

/** Those below a process, by the names that they go by. */
function descendants(pid: number, name: string): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => {
    const isIt = readFileSync(`/proc/${child}/comm`, "utf8") === `${name}\n`;
    return [...(isIt ? [child] : []), ...descendants(child, name)];
  });
}

suite("a call in the foreground", () => {
  for (const env of [{}, { ORLOP_OCI_RESIDENT: "0" }]) {
    const how = "ORLOP_OCI_RESIDENT" in env ? "without a resident process" : "with one";
    test(`ends with its container when another call deletes that, ${how}`, async (t) => {
      await withCommand(t, async (bench) => {
        await bench.warm();
        const before = bench.remember();
        for (let round = 0; round < 6; round++) {
          const { id, path } = bench.bundle(PATIENT);
          const run = bench.start(["run", "--bundle", path, id], { env });
          await untilReady(run);
          const exec = bench.start(["exec", id, ...PATIENT], { env });
          await untilReady(exec);
          assert.equal((await bench.call(["delete", "--force", id])).status, 0);
          for (const call of [run, exec]) {
            const { status, stderr } = await call.ended;
            assert.deepEqual([status, stderr], [137, ""]);
          }
        }
        await bench.expectNothingLeft(before);
      });
    });
    test(`whose reaper is killed ends with its container in an error, ${how}`, async (t) => {
      await withCommand(t, async (bench) => {
        await bench.warm();
        const before = bench.remember();
        const { id, path } = bench.bundle(PATIENT);
        const run = bench.start(["run", "--bundle", path, id], { env });
        await untilReady(run);
        const exec = bench.start(["exec", id, ...PATIENT], { env });
        await untilReady(exec);
        for (const call of [exec, run]) {
          for (const reaper of descendants(call.pid, "orlop-reaper")) process.kill(reaper, "SIGKILL");
          call.child.kill("SIGTERM");
          const { status, stderr } = await call.ended;
          assert.deepEqual([status, /^orlop-oci: Cannot |reaper was killed/.test(stderr)], [1, true], stderr);
        }
        await bench.call(["delete", "--force", id]);
        await bench.expectNothingLeft(before);
      });
    });
  }
});
