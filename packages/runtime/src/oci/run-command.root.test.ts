import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Process, RuntimeSpec } from "@orlop/core";
import { cgroupDirectories } from "@orlop/testkit";
import { until } from "../process/process-bench-fixture.ts";
import { withCommand } from "./command-bench-fixture.ts";

function withTerminal(spec: RuntimeSpec, terminal = true): RuntimeSpec {
  return { ...spec, process: { ...(spec.process as Process), terminal } };
}

suite("run in the foreground", () => {
  test("passes on what a program wrote to its terminal as the program wrote it", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("tty; echo done; exit 3", (spec) => withTerminal(spec));
      const { exitCode, stdout, stderr } = await bench.call("run", "--bundle", bundle, id);
      assert.deepEqual([exitCode, stdout, stderr], [3, "/dev/pts/0\ndone\n", ""]);
    }));

  test("removes the container and its cgroups at its end, and with --keep neither", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("true");
      const own = (): readonly string[] => cgroupDirectories(id);
      assert.equal((await bench.call("run", "--bundle", bundle, id)).exitCode, 0);
      assert.deepEqual(own(), []);
      assert.equal((await bench.call("run", "--keep", "--bundle", bundle, id)).exitCode, 0);
      assert.equal(JSON.parse((await bench.call("state", id)).stdout).status, "stopped");
      assert.notDeepEqual(own(), []);
      assert.equal((await bench.call("delete", id)).exitCode, 0);
      assert.deepEqual(own(), []);
      assert.ok(!existsSync(join(bench.path("root"), id)));
    }));
});

suite("a deletion by force", () => {
  test("ends an init that somebody has put into a frozen cgroup of version 1", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("exec sleep 1000");
      assert.equal((await bench.call("run", "--detach", "--bundle", bundle, id)).exitCode, 0);
      const own = cgroupDirectories(id).find((path) => existsSync(join(path, "freezer.state")));
      if (own === undefined) t.skip("no freezer of version 1 here");
      const elsewhere = `${own ?? bench.path("none")}-elsewhere`;
      if (own !== undefined) {
        mkdirSync(elsewhere);
        writeFileSync(join(elsewhere, "cgroup.procs"), readFileSync(join(own, "cgroup.procs")));
        writeFileSync(join(elsewhere, "freezer.state"), "FROZEN");
      }
      try {
        const { exitCode, stderr } = await bench.call("delete", "--force", id);
        assert.deepEqual([exitCode, stderr], [0, ""]);
      } finally {
        if (own !== undefined) rmdirSync(elsewhere);
      }
    }));
});

suite("a cgroup that is there already", () => {
  test("is refused while it is frozen, where init would never get to its start", (t) =>
    withCommand(t, async (bench) => {
      const cgroupsPath = `/orlop-command-${process.pid}-frozen`;
      const inCgroup = (spec: RuntimeSpec): RuntimeSpec => ({ ...spec, linux: { ...spec.linux, cgroupsPath } });
      const first = bench.bundle("true", inCgroup);
      assert.equal((await bench.call("run", "--keep", "--bundle", first.bundle, first.id)).exitCode, 0);
      const [file = "", frozen, thawed] = freezer(cgroupsPath);
      if (file === "") return t.skip("no freezer here");
      const second = bench.bundle("true", inCgroup);
      try {
        writeFileSync(file, frozen);
        const { exitCode, stderr } = await bench.call("create", "--bundle", second.bundle, second.id);
        assert.equal(exitCode, 1);
        assert.match(stderr, /^Cannot use cgroup ".*": container's cgroup unexpectedly frozen/);
      } finally {
        writeFileSync(file, thawed);
      }
      assert.equal((await bench.call("run", "--bundle", second.bundle, second.id)).exitCode, 0);
    }));
});

suite("a cgroup that others are in", () => {
  test("is shared with a warning, and neither's end is the other's", (t) =>
    withCommand(t, async (bench) => {
      const cgroupsPath = `/orlop-command-${process.pid}-shared`;
      const inCgroup = (spec: RuntimeSpec): RuntimeSpec => ({ ...spec, linux: { ...spec.linux, cgroupsPath } });
      const make = async (): Promise<{ id: string; stderr: string }> => {
        const { id, bundle } = bench.bundle("exec sleep 1000", inCgroup);
        const { exitCode, stderr } = await bench.call("run", "--detach", "--bundle", bundle, id);
        assert.equal(exitCode, 0, stderr);
        return { id, stderr };
      };
      const remove = async ({ id }: { readonly id: string }): Promise<void> => {
        const { exitCode, stderr } = await bench.call("delete", "--force", id);
        assert.deepEqual([exitCode, stderr], [0, ""]);
      };
      const isRunning = async ({ id }: { readonly id: string }): Promise<boolean> =>
        JSON.parse((await bench.call("state", id)).stdout).status === "running";
      const [host, guest, other] = [await make(), await make(), await make()];
      assert.equal(host.stderr, "");
      assert.match(guest.stderr, /^warning: container's cgroup is not empty: 1 process\(es\) found/);
      await remove(guest);
      assert.deepEqual([await isRunning(host), await isRunning(other)], [true, true]);
      await remove(host);
      assert.ok(await isRunning(other));
      await remove(other);
      assert.deepEqual(cgroupDirectories(cgroupsPath.slice(1)), []);
    }));

  test("is refused to a container whose processes only its cgroup tells", (t) =>
    withCommand(t, async (bench) => {
      const cgroupsPath = `/orlop-command-${process.pid}-used`;
      const inCgroup = (spec: RuntimeSpec): RuntimeSpec => ({ ...spec, linux: { ...spec.linux, cgroupsPath } });
      const first = bench.bundle("exec sleep 1000", inCgroup);
      assert.equal((await bench.call("run", "--detach", "--bundle", first.bundle, first.id)).exitCode, 0);
      const second = bench.bundle("true", (spec) => {
        const namespaces = spec.linux?.namespaces?.filter(({ type }) => type !== "pid") ?? [];
        return { ...spec, linux: { ...spec.linux, cgroupsPath, namespaces } };
      });
      const { exitCode, stderr } = await bench.call("create", "--bundle", second.bundle, second.id);
      assert.equal(exitCode, 1);
      assert.match(stderr, /^Cannot use cgroup ".*": container's cgroup is not empty: 1 process/);
      assert.equal((await bench.call("delete", "--force", first.id)).exitCode, 0);
    }));
});

/** What freezes the cgroup, and what is written to it. */
function freezer(cgroupsPath: string): readonly [file: string, frozen: string, thawed: string] {
  const own = cgroupDirectories(cgroupsPath);
  const files = own.flatMap((path) => [join(path, "freezer.state"), join(path, "cgroup.freeze")]).filter(existsSync);
  const [file = ""] = files;
  return file.endsWith("freezer.state") ? [file, "FROZEN", "THAWED"] : [file, "1", "0"];
}

test("a hook of the host without an environment has the caller's", (t) =>
  withCommand(t, async (bench) => {
    const path = bench.path("seen");
    const hook = { path: "/bin/sh", args: ["sh", "-c", `/usr/bin/env | sort >>${path}`] };
    const hooks = { createRuntime: [hook, { ...hook, env: ["ONLY=this"] }], poststop: [hook] };
    const { id, bundle } = bench.bundle("true", (spec) => ({ ...spec, hooks }));
    const { exitCode, stderr } = await bench.call("run", "--bundle", bundle, id);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const seen = readFileSync(path, "utf8").split("\n");
    const ofCaller = seen.filter((line) => line === `PATH=${process.env.PATH}`);
    assert.deepEqual([ofCaller.length, seen.filter((line) => line === "ONLY=this").length], [2, 1]);
  }));

suite("a container without pivot_root", () => {
  const mappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
  const inUserNamespace = (spec: RuntimeSpec): RuntimeSpec => {
    const namespaces = [...(spec.linux?.namespaces ?? []), { type: "user" } as const];
    return { ...spec, linux: { ...spec.linux, namespaces, uidMappings: mappings, gidMappings: mappings } };
  };
  const withHook = (path: string, spec: RuntimeSpec): RuntimeSpec => {
    const look = `ls proc/self/status >${path}`;
    return { ...spec, hooks: { createContainer: [{ path: "/bin/sh", args: ["sh", "-c", look] }] } };
  };

  test("sees its own root and none of the host's mounts, in a user namespace, too, and with hooks before", (t) =>
    withCommand(t, async (bench) => {
      const script = "ls -i -d / /..; mkdir /made; cut -d ' ' -f 4,5 /proc/self/mountinfo";
      for (const [index, change] of [(spec: RuntimeSpec) => spec, inUserNamespace].entries()) {
        const seen = bench.path(`seen-${index}`);
        for (const hooked of [false, true]) {
          const { id, bundle } = bench.bundle(script, (spec) => (hooked ? withHook(seen, change(spec)) : change(spec)));
          const { exitCode, stdout, stderr } = await bench.call("run", "--no-pivot", "--bundle", bundle, id);
          assert.deepEqual([exitCode, stderr], [0, ""]);
          const [root = "", above = "", ...mounts] = stdout.trim().split("\n");
          assert.equal(above.trim().split(" ")[0], root.trim().split(" ")[0]);
          assert.equal(mounts[0], `${bundle}/rootfs /`);
          assert.ok(existsSync(join(bundle, "rootfs/made")));
          assert.deepEqual(
            mounts.filter((line) => line.endsWith(bundle) || line.endsWith(" /sys/kernel/security")),
            [],
          );
          assert.equal(existsSync(seen), hooked);
        }
      }
    }));

  test("lets nobody inside have the proc file system without its masks, and takes execs", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("sleep 1000", (spec) => {
        const process = spec.process as Process;
        const { bounding = [], effective = [], permitted = [] } = process.capabilities ?? {};
        const capabilities = {
          bounding: [...bounding, "CAP_SETFCAP"],
          effective: [...effective, "CAP_SETFCAP"],
          permitted: [...permitted, "CAP_SETFCAP"],
        };
        return { ...spec, process: { ...process, capabilities } };
      });
      assert.equal((await bench.call("run", "--detach", "--no-pivot", "--bundle", bundle, id)).exitCode, 0);
      const mount = "busybox mount -t proc none /proc && echo mounted; ls -d /..";
      const unshared = ["busybox", "unshare", "-mrpf", "sh", "-c", mount];
      const { stdout, stderr } = await bench.call("exec", id, ...unshared);
      assert.equal(stdout, "/..\n", stderr);
      assert.match(stderr, /permission denied/);
      assert.equal((await bench.call("delete", "--force", id)).exitCode, 0);
    }));
});

test("the streams of a process are its user's, who may open them anew, and devices stay as they are", (t) =>
  withCommand(t, async (bench) => {
    const script =
      "stat -L -c %u:%g /proc/self/fd/1; true >>/dev/stdout && echo again; stat -c %u:%g /dev/null; sleep 1000";
    const { id, bundle } = bench.bundle(script, (spec) => {
      const process = spec.process as Process;
      return { ...spec, process: { ...process, user: { uid: 1234, gid: 5678 } } };
    });
    assert.equal((await bench.call("run", "--detach", "--bundle", bundle, id)).exitCode, 0);
    const said = (): string | undefined => {
      const text = readFileSync(bench.path("0.out"), "utf8");
      return text.split("\n").length > 3 ? text : undefined;
    };
    assert.equal(await until("its words", async () => said()), "1234:5678\nagain\n0:0\n");
    const again = await bench.call("exec", "--user", "4321:8765", id, "sh", "-c", "true >>/dev/stdout && echo more");
    assert.deepEqual([again.exitCode, again.stdout, again.stderr], [0, "more\n", ""]);
  }));

suite("a container that waits for its start", () => {
  test("ends at a signal that would end a program", (t) =>
    withCommand(t, async (bench) => {
      for (const signal of ["TERM", "HUP"]) {
        const { id, bundle } = bench.bundle("true");
        assert.equal((await bench.call("create", "--bundle", bundle, id)).exitCode, 0);
        assert.equal((await bench.call("kill", id, "WINCH")).exitCode, 0);
        assert.equal(JSON.parse((await bench.call("state", id)).stdout).status, "created");
        assert.equal((await bench.call("kill", id, signal)).exitCode, 0);
        const stopped = async (): Promise<true | undefined> =>
          JSON.parse((await bench.call("state", id)).stdout).status === "stopped" ? true : undefined;
        await until("the end of init", stopped);
        const { exitCode, stderr } = await bench.call("start", id);
        assert.deepEqual([exitCode, /cannot start a container that has stopped/.test(stderr)], [1, true], stderr);
      }
    }));

  test("has nothing of the host's open but its two pipes and its standard streams, and the program no signal blocked", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("grep -E 'SigBlk|SigIgn' /proc/self/status; sleep 1000");
      assert.equal((await bench.call("create", "--bundle", bundle, id)).exitCode, 0);
      const { pid } = JSON.parse((await bench.call("state", id)).stdout) as { readonly pid: number };
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      const own = [bench.path("in"), bench.path("0.out"), bench.path("0.err")];
      const pipes = ["start", "result"].map((name) => join(bench.path("root"), id, name));
      const others = open.filter(
        (path) => path !== "/" && !path.startsWith("anon_inode:") && !path.startsWith("/dev/"),
      );
      assert.deepEqual(others.sort(), [...own, ...pipes].sort());
      assert.equal((await bench.call("start", id)).exitCode, 0);
      const said = (): string | undefined => {
        const text = readFileSync(bench.path("0.out"), "utf8");
        return text.includes("SigIgn") ? text : undefined;
      };
      assert.match(await until("its words", async () => said()), /SigBlk:\t0{16}\nSigIgn:\t0{16}/);
    }));
});

suite("a hook that fails", () => {
  test("is told by its kind and place, and leaves nothing, with a terminal on its way or without", (t) =>
    withCommand(t, async (bench) => {
      for (const kind of ["createRuntime", "createContainer", "startContainer", "poststart"] as const) {
        const hooks = { [kind]: [{ path: "/bin/true" }, { path: "/bin/false" }] };
        for (const terminal of [true, false]) {
          const { id, bundle } = bench.bundle("sleep 1000", (spec) => ({ ...withTerminal(spec, terminal), hooks }));
          const { exitCode, stderr } = await bench.call("run", "--bundle", bundle, id);
          assert.equal(exitCode, 1);
          assert.match(stderr, new RegExp(`^error running ${kind} hook #1: Cannot run hook "/bin/false": `));
          assert.ok(!existsSync(join(bench.path("root"), id)));
        }
      }
    }));
});

suite("a container that waits for its start", () => {
  test("has no way left to the directory that its state is kept in", (t) =>
    withCommand(t, async (bench) => {
      const { id, bundle } = bench.bundle("true");
      assert.equal((await bench.call("create", "--bundle", bundle, id)).exitCode, 0);
      const { pid } = JSON.parse((await bench.call("state", id)).stdout) as { pid: number };
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      const state = join(bench.path("root"), id);
      assert.deepEqual(open.filter((path) => path.startsWith(state)).toSorted(), [`${state}/result`, `${state}/start`]);
      assert.equal((await bench.call("delete", id)).exitCode, 0);
    }));
});
