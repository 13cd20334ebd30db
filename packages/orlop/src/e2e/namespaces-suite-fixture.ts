import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

const own = (type: string): string => readlinkSync(`/proc/self/ns/${type}`);

type Succeed = (...args: readonly string[]) => Promise<string>;

/** Containers that share namespaces with this machine, or with each other. */
export function namespacesSuite(options: SuiteOptions, isRootless: boolean): void {
  const c = new SuiteContext(options);
  const ok: Succeed = async (...args) => {
    const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  hostCases(c);
  processCases(c, isRootless);
  containerCases(c, ok);
  test("no container is left", { skip: c.skip }, async () => {
    const left = await ok("ps", "-aq");
    if (left !== "") await ok("rm", "-f", ...left.split("\n"));
    assert.equal(left, "");
  });
  c.testLeftovers();
}

function hostCases(c: SuiteContext): void {
  describe("a namespace of this machine", { skip: c.skip }, () => {
    test("is a container's where it is asked for", async () => {
      for (const [flag, type] of [
        ["--uts", "uts"],
        ["--ipc", "ipc"],
        ["--cgroupns", "cgroup"],
      ] as const) {
        assert.equal(await c.output(flag, "host", "host", "readlink", `/proc/self/ns/${type}`), own(type));
        assert.notEqual(await c.output("host", "readlink", `/proc/self/ns/${type}`), own(type));
      }
      assert.equal(await c.output("--uts=host", "host", "hostname"), hostname());
    });

    test("of memory shows /dev/shm, and none shows none", async () => {
      const shm = ["sh", "-c", "grep -c ' /dev/shm ' /proc/mounts; stat -c %d /dev/shm"];
      const [, device] = (await c.output("--ipc=host", "host", ...shm)).split("\n");
      assert.equal(device, (await c.fixture.start("stat", ["-c", "%d", "/dev/shm"])).stdout.trim());
      const none = await c.run(["--ipc=none", "host", ...shm]);
      assert.match(none.stdout, /^0\n/);
    });
  });
}

/** Of an ordinary user without a cgroup they are refused. */
function processCases(c: SuiteContext, isRootless: boolean): void {
  describe("a namespace of this machine", { skip: c.skip }, () => {
    test("of processes shows them, with what is masked masked", async (t) => {
      const script =
        "ls -d /proc/[0-9]* | wc -l; readlink /proc/self/ns/pid; cat /proc/kcore | wc -c; : > /proc/sys/vm/overcommit_memory";
      const { exitCode, stdout, stderr } = await c.run(["--pid=host", "host", "sh", "-c", script]);
      if (isRootless && exitCode === 125) {
        assert.match(stderr, /without a cgroup of the container's own nothing would end the processes/);
        t.diagnostic("this user has no cgroup");
        return;
      }
      const [count, namespace, bytes] = stdout.split("\n");
      assert.ok(
        Number(count) > 5 && Number(count) >= readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length / 2,
      );
      assert.equal(namespace, own("pid"));
      assert.equal(bytes, "0");
      assert.match(stderr, /Read-only file system/);
      assert.notEqual(exitCode, 0);
    });

    test("of processes has none of the container's when it has ended", async (t) => {
      const mark = `10${process.pid}`;
      const { exitCode } = await c.run([
        "--pid=host",
        "host",
        "sh",
        "-c",
        `sleep ${mark} & setsid sleep ${mark} & exit 3`,
      ]);
      if (isRootless && exitCode === 125) {
        t.diagnostic("this user has no cgroup");
        return;
      }
      assert.equal(exitCode, 3);
      assert.equal((await c.fixture.start("pgrep", ["-f", `^sleep ${mark}$`])).stdout, "");
    });
  });
}

function containerCases(c: SuiteContext, ok: Succeed): void {
  const runs = async (name: string, ...flags: readonly string[]): Promise<string> =>
    await ok("run", "-d", ...c.fixture.idFlags(), "--name", name, ...flags, "host", "sleep", "1000");
  describe("a namespace of another container", { skip: c.skip }, () => {
    test("is shared with who asks, and goes on without it", async () => {
      await runs("donor", "--ipc=shareable", "--shm-size=1m");
      const of = async (name: string, type: string): Promise<string> =>
        await ok("exec", name, "readlink", `/proc/self/ns/${type}`);
      await runs("guest", "--pid=container:donor", "--ipc=container:donor", "--network=container:donor");
      for (const type of ["pid", "ipc", "net"]) assert.equal(await of("guest", type), await of("donor", type), type);
      assert.notEqual(await of("guest", "uts"), await of("donor", "uts"));
      await ok("exec", "guest", "sh", "-c", "echo said > /dev/shm/word");
      assert.equal(await ok("exec", "donor", "cat", "/dev/shm/word"), "said");
      assert.match(await ok("exec", "donor", "sh", "-c", "cat /proc/[0-9]*/comm | sort | uniq -c"), /^ *2 sleep$/m);
      const mode = "{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}";
      const id = await ok("inspect", "-f", "{{.Id}}", "donor");
      assert.equal(await ok("inspect", "-f", mode, "guest"), `container:${id} container:${id}`);
      assert.equal(await ok("inspect", "-f", mode, "donor"), "shareable");
      await ok("rm", "-f", "guest");
      assert.equal(await ok("exec", "donor", "cat", "/dev/shm/word"), "said");
      await ok("rm", "-f", "donor");
    });

    test("is there for who has it when both are started, in whatever order they are named", async () => {
      await runs("donor", "--restart=always");
      await runs("aguest", "--restart=always", "--pid=container:donor", "--network=container:donor");
      for (const verb of [
        ["start", "--all", "--filter=should-start-on-boot=true"],
        ["start", "aguest", "donor"],
      ]) {
        await ok("stop", "-t0", "aguest", "donor");
        await ok(...verb);
        assert.match(
          await ok("exec", "aguest", "sh", "-c", "cat /proc/[0-9]*/comm"),
          /^sleep\nsleep$/m,
          verb.join(" "),
        );
      }
      await ok("restart", "-t0", "aguest", "donor");
      assert.match(await ok("exec", "aguest", "sh", "-c", "cat /proc/[0-9]*/comm"), /^sleep\nsleep$/m);
      await ok("rm", "-f", "aguest", "donor");
    });

    test("is refused where it is not shared, or does not run", async () => {
      await runs("alone");
      const refusal = async (...flags: readonly string[]): Promise<string> => {
        const { exitCode, stderr } = await c.run([...flags, "host", "true"]);
        assert.equal(exitCode, 125, stderr);
        return stderr;
      };
      assert.match(await refusal("--ipc=container:alone"), /: non-shareable IPC \(hint: use IpcMode:shareable/);
      assert.match(await refusal("--pid=container:nobody"), /No such container: nobody/);
      await ok("kill", "alone");
      assert.match(
        await refusal("--pid=container:alone"),
        /container "alone", whose process ids it is to have, does not run/,
      );
      await ok("rm", "-f", "alone");
    });
  });
}
