import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, suite, type TestContext, test } from "node:test";
import { rootObstacle, until } from "../../process/process-bench-fixture.ts";
import { LAUNCHER_FILES } from "./called-as.ts";
import { CommandBench, withCommand } from "./command-bench-fixture.ts";
import { isListening } from "./is-listening.ts";

const shell = (script: string): readonly string[] => ["sh", "-c", `${script}; exec "$@"`, "sh"];

/** proc_pid_stat(5): state, parent, process group, session. */
function stat(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
}

async function create(bench: CommandBench, args: readonly string[], ...more: Parameters<CommandBench["bundle"]>[1][]) {
  const bundle = bench.bundle(args, ...more);
  const pidFile = join(bundle.path, "pid");
  const end = await bench.callServed(["create", "--pid-file", pidFile, "--bundle", bundle.path, bundle.id]);
  assert.deepEqual([end.status, end.stderr], [0, ""]);
  return { ...bundle, pid: Number(readFileSync(pidFile, "utf8")), pidFile };
}

suite("a call that a resident process serves", () => {
  let common: CommandBench | undefined;
  const shared = async (t: TestContext, work: (bench: CommandBench) => Promise<void>): Promise<void> => {
    const obstacle = rootObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    common ??= new CommandBench();
    await common.warm();
    await work(common);
  };
  after(() => common?.[Symbol.asyncDispose]());

  test("is the second one: the first is one of Node, which starts that process", async (t) => {
    await withCommand(t, async (bench) => {
      const { id, path } = bench.bundle(["/bin/sh", "-c", "exit 7"]);
      const before = bench.remember();
      assert.deepEqual(bench.residents(), []);
      assert.equal((await bench.call(["run", "--bundle", path, id])).status, 7);
      await bench.untilResident();
      assert.equal(bench.residents().length, 1);
      const { status } = await bench.callServed(["run", "--bundle", path, id]);
      assert.equal(status, 7);
      await bench.expectNothingLeft(before);
    });
  });

  test("has the caller's descriptors, directory, environment, mask, limits and exit code", async (t) => {
    await shared(t, async (bench) => {
      const input = bench.path("input");
      writeFileSync(input, "typed\n");
      const script = "read line; echo out $line; echo err >&2; ulimit -n; ulimit -f; exit 9";
      const { id, path } = bench.bundle(["/bin/sh", "-c", script]);
      const before = shell("umask 027; ulimit -n 321; ulimit -f 4321");
      const options = { stdin: bench.open(input, "r"), cwd: path, before };
      const { status, stdout, stderr } = await bench.callServed(["run", "--pid-file", "pid", id], options);
      assert.deepEqual([status, stdout, stderr], [9, "out typed\n321\n4321\n", "err\n"]);
      assert.equal(statSync(join(path, "pid")).mode & 0o777, 0o640);
      const elsewhere = await bench.callServed(["list"], { env: { XDG_RUNTIME_DIR: "/nowhere" } });
      assert.equal(elsewhere.status, 0);
      const missing = await bench.callServed(["--log", "log", "--log-format", "json", "state", "no-such"], {
        cwd: path,
      });
      assert.equal(missing.status, 1);
      assert.match(readFileSync(join(path, "log"), "utf8"), /does not exist/);
    });
  });

  test("leaves a container that is the caller's own, and nothing of the resident process's", async (t) => {
    await shared(t, async (bench) => {
      const secret = bench.path("secret");
      writeFileSync(secret, "");
      const { id, path } = bench.bundle(["/bin/sleep", "1000"]);
      const descriptors = [bench.open(secret, "r"), bench.open(secret, "r")];
      const before = bench.remember();
      const pidFile = join(path, "pid");
      const call = ["create", "--pid-file", pidFile, "--bundle", path, id];
      assert.equal((await bench.callServed(call, { descriptors })).status, 0);
      const pid = Number(readFileSync(pidFile, "utf8"));
      const [, parent, , session] = stat(pid);
      const [, , , residentSession] = stat(bench.resident);
      assert.notEqual(Number(parent), bench.resident);
      assert.notEqual(session, residentSession);
      assert.ok(readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(id));
      assert.equal(readFileSync(`/proc/${bench.resident}/cgroup`, "utf8").includes(id), false);
      assert.equal(readlinkSync(`/proc/${pid}/exe`), "/memfd:orlop-machine (deleted)");
      assert.throws(() => writeFileSync(`/proc/${pid}/exe`, "x"), /EPERM|ETXTBSY/);
      assert.deepEqual(
        openFiles(pid).filter((name) => name === secret || name.startsWith("socket:")),
        [],
      );
      assert.equal((await bench.callServed(["start", id])).status, 0);
      assert.equal(openFiles(pid).length, 3);
      assert.equal((await bench.callServed(["delete", "--force", id])).status, 0);
      await bench.expectNothingLeft(before);
    });
  });

  test("passes descriptors on, also those of socket activation", async (t) => {
    await shared(t, async (bench) => {
      const files = ["three", "four", "five"].map((name) => {
        writeFileSync(bench.path(name), `${name}\n`);
        return bench.open(bench.path(name), "r");
      });
      const { id, path } = bench.bundle(["/bin/sh", "-c", "cat <&3; cat <&4; ls /proc/self/fd | wc -l"]);
      const run = ["run", "--bundle", path];
      const { stdout, stderr } = await bench.callServed([...run, "--preserve-fds", "2", id], { descriptors: files });
      assert.deepEqual([stdout, stderr], ["three\nfour\n6\n", ""]);
      const again = files.map((_, index) => bench.open(bench.path(["three", "four", "five"][index] ?? ""), "r"));
      const activated = await bench.callServed([...run, id], {
        descriptors: again,
        before: ["sh", "-c", 'LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"', "sh"],
      });
      assert.deepEqual([activated.stdout, activated.stderr], ["three\nfour\n6\n", ""]);
    });
  });

  test("executes in a container, as a child of the caller's or on its own", async (t) => {
    await shared(t, async (bench) => {
      const { id } = await create(bench, ["/bin/sleep", "1000"]);
      await bench.callServed(["start", id]);
      const script = "echo hello; exit 5";
      const { status, stdout } = await bench.callServed(["exec", id, "/bin/sh", "-c", script]);
      assert.deepEqual([status, stdout], [5, "hello\n"]);
      const pidFile = bench.path("exec-pid");
      const detached = await bench.callServed(["exec", "-d", "--pid-file", pidFile, id, "/bin/sleep", "1000"]);
      assert.equal(detached.status, 0);
      assert.match(readFileSync(`/proc/${readFileSync(pidFile, "utf8")}/cmdline`, "utf8"), /sleep/);
      const missing = await bench.callServed(["exec", id, "/no/such/program"]);
      assert.equal(missing.status, 255);
      assert.match(missing.stderr, /no such file/);
      assert.deepEqual(readdirSync(join(bench.root, id, "exec")), []);
    });
  });

  test("says what it has to say, also where its process goes on as the container's in the foreground", async (t) => {
    await shared(t, async (bench) => {
      const { id, path } = bench.bundle(["/bin/sh", "-c", "exit 6"]);
      const { status, stdout, stderr } = await bench.callServed(["--debug", "run", "--bundle", path, id]);
      assert.deepEqual([status, stdout], [6, ""]);
      assert.match(stderr, /^time=.* level=debug msg="run with root .*\n(?:time=.* level=debug .*\n)+$/);
    });
  });

  test("runs the last hooks of a container in the foreground, too", async (t) => {
    await shared(t, async (bench) => {
      const file = bench.path("poststop");
      const hook = { path: "/bin/sh", args: ["sh", "-c", `cat >${file}`] };
      const { id, path } = bench.bundle(["/bin/true"], { top: { hooks: { poststop: [hook] } } });
      const { status, stderr } = await bench.callServed(["run", "--bundle", path, id]);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.equal(JSON.parse(readFileSync(file, "utf8")).status, "stopped");
    });
  });

  test("goes by the name of the link that it was called through, with a resident process or without", async (t) => {
    await withCommand(t, async (bench) => {
      const link = bench.path("runc");
      symlinkSync(join(bench.bin, "orlop-oci"), link);
      for (const residents of [0, 1]) {
        assert.equal(bench.residents().length, residents);
        const before = ["sh", "-c", `shift; exec ${link} "$@"`, "sh"];
        const { status, stdout } = await bench.call(["--version"], { before });
        assert.deepEqual([status, stdout.split(" ")[0]], [0, "runc"]);
        await bench.untilResident();
      }
    });
  });

  test("reads what is on standard input by way of Node", async (t) => {
    await shared(t, async (bench) => {
      const { id } = await create(bench, ["/bin/sleep", "1000"]);
      const input = bench.path("resources");
      writeFileSync(input, JSON.stringify({ pids: { limit: 77 } }));
      const update = ["update", "--resources", "-", id];
      const { status, stderr } = await bench.call(update, { stdin: bench.open(input, "r") });
      assert.deepEqual([status, stderr], [0, ""]);
      const { stdout } = await bench.callServed(["events", "--stats", id]);
      assert.equal(JSON.parse(stdout).data.pids.limit, 77);
    });
  });

  test("is one of twenty at once", async (t) => {
    await shared(t, async (bench) => {
      const before = bench.remember();
      const bundles = Array.from({ length: 20 }, (_, index) =>
        bench.bundle(["/bin/sh", "-c", `echo ${index}; exit ${index}`]),
      );
      const ends = await Promise.all(bundles.map(({ id, path }) => bench.callServed(["run", "--bundle", path, id])));
      assert.deepEqual(
        ends.map(({ status, stdout, stderr }) => [status, stdout, stderr]),
        bundles.map((_, index) => [index, `${index}\n`, ""]),
      );
      assert.equal(bench.residents().length, 1);
      await bench.expectNothingLeft(before);
    });
  });

  test("is declined, and done by Node, where the same words would mean something else", async (t) => {
    await shared(t, async (bench) => {
      const callers: Readonly<Record<string, readonly string[]>> = {
        "mount namespace": ["unshare", "--mount", "--"],
        "process id namespace": ["unshare", "--pid", "--fork", "--mount-proc", "--"],
        "cgroup namespace": ["unshare", "--cgroup", "--"],
        groups: ["setpriv", "--groups", "12345", "--"],
        privileges: ["setpriv", "--no-new-privs", "--"],
      };
      for (const [what, before] of Object.entries(callers)) {
        const declined = await bench.callServed(["list", "-q"], { before });
        assert.deepEqual([declined.status, declined.stdout], [1, ""], what);
        assert.match(declined.stderr, /Cannot start: neither/, what);
        const { status, stderr } = await bench.call(["features"], { before });
        assert.deepEqual([status, stderr], [0, ""], what);
        assert.equal((await bench.callServed(["list", "-q"])).status, 0, `after another ${what}`);
      }
    });
  });

  test("works where the caller's directory is gone, and with nothing open", async (t) => {
    await shared(t, async (bench) => {
      const gone = bench.path("gone");
      mkdirSync(gone);
      const script = `cd ${gone}; rmdir ${gone}`;
      assert.equal((await bench.call(["--version"], { before: shell(script) })).status, 0);
      const { id, path } = bench.bundle(["/bin/sh", "-c", "readlink /proc/self/fd/0; exit 3"]);
      const closed = await bench.callServed(["run", "--bundle", path, id], { before: shell("exec 0<&- 1>&-") });
      assert.equal(closed.status, 3);
    });
  });

  test("is there for every way to call the command, as long as that leads to it", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const link = bench.path("link");
      symlinkSync(join(bench.bin, "orlop-oci"), link);
      const call = (): string => execFileSync(link, ["--version"], { env: bench.env, encoding: "utf8" });
      const home = join(bench.directory, "cache/orlop/launchers", link);
      const version = call();
      assert.match(version, /^link version/);
      assert.equal(readlinkSync(join(home, LAUNCHER_FILES.bin)), bench.bin);
      const [resident] = bench.residents();
      assert.equal(call(), version);
      assert.deepEqual(bench.residents(), [resident]);
      // Of another installation by now, whose launcher is not this one.
      const other = bench.path("orlop-oci");
      writeFileSync(other, "#!/bin/sh\necho another\n", { mode: 0o755 });
      rmSync(link);
      symlinkSync(other, link);
      assert.equal(call(), "another\n");
    });
  });

  test("is not served by another installation's", async (t) => {
    await withCommand(t, async (bench) => {
      await using other = new CommandBench();
      await bench.warm();
      await other.warm();
      const [theirs] = other.residents();
      await bench.endResidents("SIGTERM");
      const unserved = await bench.callServed(["--version"]);
      assert.match(unserved.stderr, /Cannot start: neither/);
      const served = await other.callServed(["--version"]);
      assert.deepEqual([served.status, served.stderr], [0, ""]);
      assert.deepEqual(other.residents(), [theirs]);
    });
  });

  test("is not one of another user's, nor asks one", async (t) => {
    await withCommand(t, async (bench) => {
      await bench.warm();
      const before = ["setpriv", "--reuid", "65534", "--clear-groups", "--"];
      const asAnother = await bench.callServed(["--version"], { before });
      assert.match(asAnother.stderr, /Cannot start: neither/);
      // Whoever answers in the place of the resident process is not believed.
      await bench.endResidents("SIGTERM");
      const { directory, socket } = bench.place;
      mkdirSync(directory, { recursive: true });
      chownSync(directory, 65534, 65534);
      const program = 'process.setuid(65534); require("node:net").createServer().listen("socket")';
      const impostor = spawn(process.execPath, ["-e", program], { stdio: "inherit", cwd: directory });
      const gone = once(impostor, "exit");
      await until("an impostor", async () => ((await isListening(socket)) ? true : undefined));
      const unbelieved = await bench.callServed(["--version"]);
      assert.match(unbelieved.stderr, /Cannot start: neither/);
      assert.equal((await bench.call(["--version"])).status, 0);
      assert.deepEqual(bench.residents(), [], "a directory that is somebody else's is no place for a resident process");
      impostor.kill();
      await gone;
    });
  });
});

test("a resident process leaves on SIGTERM, with what it serves done", async (t) => {
  await withCommand(t, async (bench) => {
    await bench.warm();
    const { id, path } = bench.bundle(["/bin/sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 1; done"]);
    const running = bench.startServed(["run", "--bundle", path, id]);
    await until("the container", () => (running.said().stdout === "ready\n" ? true : undefined));
    const { resident } = bench;
    process.kill(resident, "SIGTERM");
    await until("a socket that is gone", () =>
      readdirSync(bench.place.directory).includes("socket") ? undefined : true,
    );
    // A new one serves what comes now; the old one its last call.
    await bench.warm();
    assert.equal(bench.residents().length, 2);
    running.child.kill("SIGTERM");
    assert.equal((await running.ended).status, 4);
    await until("the end of the first", () => (bench.residents().includes(resident) ? undefined : true));
  });
});
