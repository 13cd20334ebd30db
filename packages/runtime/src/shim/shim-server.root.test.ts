import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { stringifyJson } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";
import { criuObstacle, parseMountinfo } from "@orlop/testkit";
import { taskStats } from "../foreign/shim/task-stats.ts";
import { until } from "../process/process-bench-fixture.ts";
import { TASK_STATUS, taskApi } from "../shim-protocol/task-api.ts";
import { deleteShim } from "./delete-shim.ts";
import { CALL_MAX_MS, type ShimBench, withShim } from "./shim-bench-fixture.ts";

const FOREVER = "trap 'exit 5' TERM; while :; do sleep 0.05; done";
const { created, running, paused, stopped } = TASK_STATUS;

function execSpec(script: string): { readonly typeUrl: string; readonly value: Uint8Array } {
  const process = { args: ["/bin/sh", "-c", script], env: ["PATH=/bin"], cwd: "/", user: { uid: 0, gid: 0 } };
  return { typeUrl: "process", value: Buffer.from(stringifyJson(process)) };
}

/** Resolves with the events once there are so many. */
function events(bench: ShimBench, count: number): Promise<readonly string[]> {
  return until(`${count} events`, () => (bench.events.length >= count ? bench.events : undefined));
}

function children(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

function mountsBelow(directory: string): readonly string[] {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => path.startsWith(directory));
}

async function status(bench: ShimBench, id: string, execId = ""): Promise<number> {
  return (await bench.call("State", { id, execId })).status;
}

suite("the server of a shim", () => {
  test("tells everything in the order in which it happens", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.create("all", FOREVER);
      assert.equal(await status(bench, id), created);
      const { pid } = await bench.call("Start", { id });
      await bench.call("Exec", { id, execId: "e", spec: execSpec("exit 3") });
      assert.equal(await status(bench, id, "e"), created);
      await bench.call("Start", { id, execId: "e" });
      assert.equal((await bench.call("Wait", { id, execId: "e" })).exitStatus, 3);
      assert.equal((await bench.call("Delete", { id, execId: "e" })).exitStatus, 3);
      await bench.call("Pause", { id });
      assert.equal(await status(bench, id), paused);
      await bench.call("Resume", { id });
      assert.equal(await status(bench, id), running);
      await bench.call("Kill", { id, signal: 15 });
      const { exitStatus, exitedAt } = await bench.call("Wait", { id });
      assert.equal(exitStatus, 5);
      const state = await bench.call("State", { id });
      assert.deepEqual([state.status, state.pid, state.exitStatus, state.exitedAt], [stopped, pid, 5, exitedAt]);
      assert.deepEqual(await bench.call("Delete", { id }), { pid, exitStatus: 5, exitedAt });
      assert.deepEqual(await events(bench, 10), [
        `create ${id}`,
        `start ${id}`,
        `exec-added ${id} e`,
        `exec-started ${id} e`,
        `exit ${id} e`,
        `delete ${id} e`,
        `paused ${id}`,
        `resumed ${id}`,
        `exit ${id} ${id}`,
        `delete ${id}`,
      ]);
      await assert.rejects(bench.call("State", { id }), { code: "not-found" });
    }));

  test("tells the end of a program after its start, however quick it is", (t) =>
    withShim(t, async (bench) => {
      const names = ["a", "b", "c", "d"];
      const ids = await Promise.all(names.map((name) => bench.run(name, "exit 1")));
      await Promise.all(ids.map((id) => bench.call("Wait", { id })));
      await Promise.all(ids.map((id) => bench.call("Delete", { id })));
      const told = await events(bench, 16);
      for (const id of ids) {
        const own = told.filter((event) => event.includes(id)).map((event) => event.split(" ", 1)[0]);
        assert.deepEqual(own, ["create", "start", "exit", "delete"]);
      }
    }));

  test("tells the ends of execs before that of their container", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.run("ends", FOREVER);
      for (const execId of ["e1", "e2"]) {
        await bench.call("Exec", { id, execId, spec: execSpec(FOREVER) });
        await bench.call("Start", { id, execId });
      }
      const { pid } = await bench.call("State", { id, execId: "e2" });
      const { processes } = await bench.call("Pids", { id });
      const details = new Codec({ Details: { execId: [1, "string"] } } as const);
      const info = processes.find((each) => each.pid === pid)?.info;
      assert.equal(details.decode("Details", info?.value ?? Buffer.alloc(0)).execId, "e2");
      await bench.call("Kill", { id, signal: 9 });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 137);
      const told = (await events(bench, 9)).slice(6);
      assert.deepEqual(new Set(told.slice(0, 2)), new Set([`exit ${id} e1`, `exit ${id} e2`]));
      assert.equal(told[2], `exit ${id} ${id}`);
      await bench.call("Delete", { id });
    }));

  test("has a program of the host's take the outputs, of execs, too", (t) =>
    withShim(t, async (bench) => {
      const log = join(bench.directory, "log");
      const script = 'echo "$CONTAINER_ID $1 $2" >>$2; exec 5>&-; cat <&3 >>$2; cat <&4 >>$2; echo end >>$2';
      const program = join(bench.directory, "program");
      writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const uri = (file: string) => `binary://${program}?file=${file}`;
      const request = bench.bundle("logged", `echo out; echo err >&2; ${FOREVER}`);
      const { id } = request;
      await bench.call("Create", { ...request, stdout: uri(log), stderr: uri(log) });
      await bench.call("Start", { id });
      const execLog = `${log}.exec`;
      const exec = { id, execId: "e", spec: execSpec("echo exec"), stdout: uri(execLog), stderr: uri(execLog) };
      await bench.call("Exec", exec);
      await bench.call("Start", { id, execId: "e" });
      const content = (path: string) => () => {
        const text = readFileSync(path, "utf8");
        return text.endsWith("end\n") ? text : undefined;
      };
      assert.equal(await until("the exec's log", content(execLog)), `${id} file ${execLog}\nexec\nend\n`);
      await bench.call("Kill", { id, signal: 9 });
      assert.equal(await until("the log", content(log)), `${id} file ${log}\nout\nerr\nend\n`);
      await bench.call("Delete", { id });
      assert.deepEqual(readdirSync(bench.place.logs), []);
    }));

  test("starts nothing for a log program that is never ready", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("unready", "true");
      const uri = "binary-v2:///bin/true";
      await assert.rejects(bench.call("Create", { ...request, stdout: uri, stderr: uri }), /before it was ready/);
      assert.deepEqual(readdirSync(bench.place.logs), []);
    }));

  test("ends what is left of a container that shares others' pid namespace", (t) =>
    withShim(t, async (bench) => {
      const namespaces = [{ type: "mount" }, { type: "network" }, { type: "uts" }, { type: "ipc" }] as const;
      const id = await bench.run("shared", "sleep 1000 & exit 2", { linux: { namespaces } });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 2);
      assert.deepEqual((await bench.call("Pids", { id })).processes, []);
      await bench.call("Delete", { id });
    }));

  test("keeps what it has to tell while containerd is away", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.run("away", FOREVER);
      await events(bench, 2);
      await bench.stopContainerd();
      await bench.call("Kill", { id, signal: 9 });
      await bench.call("Wait", { id });
      await bench.call("Delete", { id });
      await bench.startContainerd();
      assert.deepEqual((await events(bench, 4)).slice(2), [`exit ${id} ${id}`, `delete ${id}`]);
    }));

  test("measures, and changes limits while a container runs", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.run("limits", FOREVER, { linux: { resources: { pids: { limit: 40 } } } });
      const limit = async (): Promise<number | undefined> => {
        const { stats } = await bench.call("Stats", { id });
        return taskStats(stats?.typeUrl ?? "", stats?.value ?? Buffer.alloc(0)).pids?.limit;
      };
      assert.equal(await limit(), 40);
      const resources = { typeUrl: "resources", value: Buffer.from('{"pids":{"limit":60}}') };
      await bench.call("Update", { id, resources });
      assert.equal(await limit(), 60);
      await bench.call("Kill", { id, signal: 9 });
      await bench.call("Wait", { id });
      await bench.call("Delete", { id });
    }));

  test("says that the kernel killed something for lack of memory, before it says that it has ended", (t) =>
    withShim(t, async (bench) => {
      const memory = { limit: 16n << 20n, swap: 16n << 20n };
      const script = "a=0123456789abcdef; while :; do a=$a$a; done";
      const id = await bench.run("memory", script, { linux: { resources: { memory } } });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 137);
      assert.deepEqual((await events(bench, 4)).slice(2), [`oom ${id}`, `exit ${id} ${id}`]);
      await bench.call("Delete", { id });
    }));

  test("says at once when the kernel kills something for lack of memory, where that can be heard", (t) => {
    if (!existsSync("/sys/fs/cgroup/cgroup.controllers")) return t.skip("needs cgroups of version 2 alone");
    return withShim(t, async (bench) => {
      const memory = { limit: 16n << 20n, swap: 16n << 20n };
      const script = `sh -c "a=0123456789abcdef; while :; do a=\\$a\\$a; done"; ${FOREVER}`;
      const id = await bench.run("hears", script, { linux: { resources: { memory } } });
      assert.equal((await events(bench, 3))[2], `oom ${id}`);
      assert.equal(await status(bench, id), running);
      await bench.call("Kill", { id, signal: 15 });
      await bench.call("Wait", { id });
      await bench.call("Delete", { id });
      assert.deepEqual((await events(bench, 5)).slice(3), [`exit ${id} ${id}`, `delete ${id}`]);
    });
  });

  test("ends a container that is paused, and removes it once", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.run("frozen", FOREVER);
      await bench.call("Pause", { id });
      await bench.call("Kill", { id, signal: 9 });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 137);
      const deletions = await Promise.all([bench.call("Delete", { id }), bench.call("Delete", { id })]);
      assert.deepEqual(deletions[0], deletions[1]);
      assert.deepEqual((await events(bench, 5)).slice(2), [`paused ${id}`, `exit ${id} ${id}`, `delete ${id}`]);
    }));

  test("writes a checkpoint of a container, which goes on or ends", (t) => {
    const obstacle = criuObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    return withShim(t, async (bench) => {
      const id = await bench.run("dumped", FOREVER);
      const options = new Codec({ Options: { exit: [1, "bool"], openTcp: [2, "bool"] } } as const);
      const checkpoint = async (name: string, how: { readonly exit?: boolean; readonly openTcp?: boolean }) => {
        const value = options.encode("Options", how);
        const path = join(bench.directory, name);
        await bench.call("Checkpoint", {
          id,
          path,
          options: { typeUrl: "containerd.runc.v1.CheckpointOptions", value },
        });
        assert.ok(readdirSync(path).includes("inventory.img"));
      };
      await assert.rejects(checkpoint("tcp", { openTcp: true }), { code: "unsupported", message: /"openTcp"/ });
      await checkpoint("first", {});
      assert.equal(await status(bench, id), running);
      await checkpoint("second", { exit: true });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 137);
      await bench.call("Delete", { id });
      const told = await events(bench, 6);
      assert.equal(told.filter((event) => event === `checkpointed ${id}`).length, 2);
    });
  });

  test("keeps its containers when its zygote is killed, and makes others", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.run("kept", FOREVER);
      const [zygote = 0] = children(process.pid);
      process.kill(zygote, "SIGKILL");
      await until("the zygote's end", () => (children(process.pid).includes(zygote) ? undefined : true));
      const next = await bench.run("next", "exit 4");
      assert.equal((await bench.call("Wait", { id: next })).exitStatus, 4);
      await bench.call("Delete", { id: next });
      assert.equal(await status(bench, id), running);
      await bench.call("Kill", { id, signal: 15 });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 5);
      await bench.call("Delete", { id });
    }));

  test("ends a container whose reaper is killed", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.create("reaped", FOREVER);
      const [zygote = 0] = children(process.pid);
      const [reaper = 0] = children(zygote);
      await bench.call("Start", { id });
      process.kill(reaper, "SIGKILL");
      assert.equal((await bench.call("Wait", { id })).exitStatus, 255);
      assert.deepEqual((await bench.call("Pids", { id })).processes, []);
      await bench.call("Delete", { id });
      assert.deepEqual((await events(bench, 4)).slice(2), [`exit ${id} ${id}`, `delete ${id}`]);
    }));

  test("removes a container that was never started", (t) =>
    withShim(t, async (bench) => {
      const id = await bench.create("unstarted", FOREVER);
      const { exitStatus } = await bench.call("Delete", { id });
      assert.equal(exitStatus, 137);
      assert.deepEqual(await events(bench, 3), [`create ${id}`, `exit ${id} ${id}`, `delete ${id}`]);
    }));

  test("keeps a container whose program cannot be executed until it is deleted, and mounts nothing then", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("broken", "true");
      writeFileSync(join(bench.image, "bin", "script"), "#!/missing\n", { mode: 0o755 });
      const config = join(request.bundle, "config.json");
      writeFileSync(config, readFileSync(config, "utf8").replace('"sh"', '"/bin/script"'));
      const { id } = request;
      await bench.call("Create", request);
      await assert.rejects(bench.call("Start", { id }), { message: /Cannot find the interpreter of "\/bin\/script"/ });
      await bench.call("Wait", { id });
      await bench.call("Delete", { id });
      assert.deepEqual(mountsBelow(bench.directory), []);
    }));

  test("refuses by name what it cannot do, and leaves nothing", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("refused", "true");
      const [mount] = request.rootfs ?? [];
      const options = new Codec({ Options: { noPivotRoot: [1, "bool"] } } as const);
      const noPivot = {
        typeUrl: "containerd.runc.v1.Options",
        value: options.encode("Options", { noPivotRoot: true }),
      };
      for (const [changes, message] of [
        [{ options: noPivot }, /option "noPivotRoot"/],
        [{ options: { typeUrl: "example.Options", value: Buffer.alloc(0) } }, /options of type "example\.Options"/],
        [{ checkpoint: "/somewhere" }, /restoring a checkpoint/],
        [{ stdout: "npipe:///log" }, /stdout "npipe:\/\/\/log"/],
        [{ rootfs: [mount, { type: "ext4", source: "/image", options: ["loop"] }] }, /option "loop"/],
        [{ rootfs: [mount, { type: "bind", source: "/image", target: "below" }] }, /below the root/],
        [{ rootfs: [mount, { type: "format/mkfs", source: "/image" }] }, /type "format\/mkfs"/],
      ] as const) {
        await assert.rejects(bench.call("Create", { ...request, ...changes } as typeof request), {
          message,
          code: "unsupported",
        });
        assert.deepEqual(mountsBelow(bench.directory), []);
      }
      await assert.rejects(
        bench.call("Create", { ...request, stdout: "binary:///missing" }),
        /log program "\/missing"/,
      );
      assert.deepEqual(readdirSync(bench.place.logs), []);
      const missing = { type: "bind", source: join(bench.directory, "missing"), options: ["rbind"] };
      await assert.rejects(bench.call("Create", { ...request, rootfs: [mount ?? {}, missing] }), /Cannot mount bind/);
      assert.deepEqual(mountsBelow(bench.directory), []);
      await assert.rejects(bench.call("Create", { ...request, terminal: true }), { code: "invalid" });
      assert.deepEqual(bench.events, []);
    }));

  test("refuses what does not go with the state of a process", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("states", FOREVER);
      const { id } = request;
      await bench.call("Create", request);
      await assert.rejects(bench.call("Create", request), { code: "exists" });
      await assert.rejects(bench.call("Exec", { id, execId: "e", spec: execSpec("true") }), { code: "conflict" });
      await bench.call("Start", { id });
      await assert.rejects(bench.call("Start", { id }), { code: "conflict" });
      await assert.rejects(bench.call("Delete", { id }), { code: "conflict" });
      await bench.call("Exec", { id, execId: "e", spec: execSpec(FOREVER) });
      await assert.rejects(bench.call("Exec", { id, execId: "e", spec: execSpec("true") }), { code: "exists" });
      await assert.rejects(bench.call("Kill", { id, execId: "e", signal: 9 }), { code: "conflict" });
      await bench.call("Start", { id, execId: "e" });
      await assert.rejects(bench.call("Delete", { id, execId: "e" }), { code: "conflict" });
      await assert.rejects(bench.call("State", { id, execId: "other" }), { code: "not-found" });
      await bench.call("Kill", { id, signal: 9 });
      await bench.call("Wait", { id });
      await assert.rejects(bench.call("Kill", { id, signal: 9 }), { code: "not-found", message: /already finished/ });
      await bench.call("Delete", { id });
      await assert.rejects(bench.call("Kill", { id, signal: 9 }), { code: "not-found" });
    }));

  test("mounts more layers than fit into a page", (t) =>
    withShim(t, async (bench) => {
      const snapshots = join(bench.directory, "snapshots".repeat(20));
      const layers = Array.from({ length: 40 }, (_, index) => join(snapshots, String(index)));
      for (const [index, layer] of layers.entries()) {
        mkdirSync(layer, { recursive: true });
        writeFileSync(join(layer, "uppermost"), String(index));
      }
      symlinkSync(bench.image, join(snapshots, "image"));
      const request = bench.bundle("layers", "read which < /uppermost; exit $((which + 1))");
      const overlay = (lower: readonly string[]) => {
        return {
          ...request,
          rootfs: [{ type: "overlay", source: "overlay", options: [`lowerdir=${lower.join(":")}`] }],
        };
      };
      // Without a directory that they have in common they cannot be named any shorter.
      await assert.rejects(bench.call("Create", overlay([...layers, "/elsewhere"])), { code: "exhausted" });
      await bench.call("Create", overlay([...layers, join(snapshots, "image")]));
      const { id } = request;
      await bench.call("Start", { id });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 1);
      await bench.call("Delete", { id });
    }));

  test("forgets a container that containerd has deleted without it", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("deleted", FOREVER);
      const { id, bundle } = request;
      const { pid } = await bench.call("Create", request);
      await bench.call("Start", { id });
      writeFileSync(join(bundle, "address"), `unix://${bench.socket}`);
      const told = await deleteShim(bench.place, id, bundle, CALL_MAX_MS);
      assert.deepEqual([told.pid, told.exitStatus], [pid, 137]);
      await assert.rejects(bench.call("State", { id }), { code: "not-found" });
      assert.deepEqual(mountsBelow(bench.directory), []);
    }));

  test("forgets a container that is gone, when it looks again", (t) =>
    withShim(
      t,
      async (bench) => {
        const request = bench.bundle("vanished", FOREVER);
        const { id, bundle } = request;
        await bench.call("Create", request);
        await bench.call("Start", { id });
        // Without the address nobody finds the server.
        await deleteShim(bench.place, id, bundle);
        await bench.server.left;
      },
      { idleMs: 1, claim: "vanished" },
    ));

  test("need not be there for a container to be deleted, also twice", (t) =>
    withShim(t, async (bench) => {
      const request = bench.bundle("alone", "exit 6");
      const { id, bundle } = request;
      const { pid } = await bench.call("Create", request);
      await bench.call("Start", { id });
      await bench.call("Wait", { id });
      const told = await deleteShim(bench.place, id, bundle);
      assert.deepEqual([told.pid, told.exitStatus], [pid, 6]);
      assert.deepEqual(mountsBelow(bench.directory), []);
      const again = await deleteShim(bench.place, id, bundle);
      assert.deepEqual([again.pid, again.exitStatus], [undefined, 137]);
      await bench.call("Delete", { id });
    }));

  test("makes no container for a client that is gone", (t) =>
    withShim(t, async (bench) => {
      const client = await bench.connect();
      const request = bench.bundle("gone", FOREVER);
      const call = client.call(taskApi(3), "Create", request);
      client.close();
      await assert.rejects(call);
      await until("nothing to be there", async () =>
        readdirSync(bench.place.containers).length === 0 && mountsBelow(bench.directory).length === 0
          ? true
          : undefined,
      );
    }));
});

suite("a server without a container", () => {
  test("leaves after a while, but not before those have come that were sent to it", (t) =>
    withShim(
      t,
      async (bench) => {
        await bench.server.left;
        assert.deepEqual(readdirSync(join(bench.place.directory)).sort(), ["claims", "containers", "logs"]);
        assert.deepEqual(readdirSync(bench.place.sockets), []);
      },
      { idleMs: 1 },
    ));

  test("stays for who has been sent to it", (t) =>
    withShim(
      t,
      async (bench) => {
        const request = bench.bundle("claims", "exit 4");
        const { id } = request;
        await bench.call("Create", request);
        await bench.call("Start", { id });
        assert.equal((await bench.call("Wait", { id })).exitStatus, 4);
        await bench.call("Delete", { id });
        await bench.server.left;
      },
      { idleMs: 1, claim: "claims" },
    ));
});
