import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

interface Shared {
  readonly c: SuiteContext;
  readonly ok: (...args: readonly string[]) => Promise<string>;
}

/** Flags of run and create that docker does not have, or that are about other containers and streams. */
export function podmanFlagsSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, signal, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, `${args.join(" ")}: ${signal ?? ""} ${stderr}`);
    return stdout.trim();
  };
  const shared = { c, ok };
  processCases(shared);
  descriptorCases(shared);
  mountCases(shared);
  streamCases(shared);
  test("no container is left", { skip: c.skip }, async () => assert.equal(await ok("ps", "-aq"), ""));
  c.testLeftovers();
}

function processCases({ c, ok }: Shared): void {
  describe("a container's program", { skip: c.skip }, () => {
    test("has the umask, the time zone and the variables that it is given", async () => {
      const script = "umask; date +%Z; env | sort";
      const flags = ["--umask", "0077", "--unsetenv-all", "-e", "PATH=/usr/bin:/bin"];
      const lines = (await c.output(...flags, "host", "sh", "-c", script)).split("\n");
      assert.equal(lines[0], "0077");
      // The runtime itself sets HOME where nobody else does, as others do.
      const names = lines.slice(2).map((line) => line.replace(/=.*/, ""));
      assert.deepEqual(
        names.filter((name) => !/^(PWD|SHLVL|_|OLDPWD)$/.test(name)),
        ["HOME", "PATH"],
      );
      if (existsSync("/usr/share/zoneinfo/Asia/Tokyo")) {
        assert.equal(await c.output("--tz", "Asia/Tokyo", "host", "date", "+%Z"), "JST");
      }
      const own = await c.run(["--env-host", "host", "sh", "-c", "echo $OWN"], { env: { OWN: "here" } });
      assert.equal(own.stdout, "here\n");
      const atlantis = await c.run(["--tz", "Atlantis/Poseidonis", "host", "true"]);
      assert.deepEqual([atlantis.exitCode, /this machine does not know it/.test(atlantis.stderr)], [125, true]);
    });

    test("is of another personality", async () => {
      const machine = await c.output("--personality", "LINUX32", "host", "uname", "-m");
      assert.match(machine, /^(i686|armv8l|armv7l)$/);
    });

    test("is killed at the end of its time, in the foreground and kept", async () => {
      const script = "trap '' TERM; echo up; while :; do sleep 0.1; done";
      const { exitCode, stdout } = await c.run(["--timeout", "1", "host", "sh", "-c", script]);
      assert.deepEqual([exitCode, stdout], [137, "up\n"]);
      assert.equal((await c.run(["--timeout", "1000", "-t", "host", "true"])).exitCode, 0);
      const id = await ok("run", "-d", ...c.fixture.idFlags(), "--timeout", "1", "host", "sh", "-c", script);
      assert.equal(await ok("wait", id), "137");
      assert.equal(await ok("inspect", "-f", "{{.Config.Timeout}} {{.State.OOMKilled}}", id), "1 false");
      await ok("rm", id);
    });

    test("has files of its cgroup set, where version 2 has them", async () => {
      const script = "cat /sys/fs/cgroup/memory.high";
      const flags = ["--cgroup-conf", "memory.high=134217728"];
      const { exitCode, stdout, stderr } = await c.run([...flags, "host", "sh", "-c", script]);
      if (exitCode === 125) assert.match(stderr, /unified\.memory\.high.*(version 2|cgroup)/s);
      // An ordinary user's container does not see its cgroup.
      else if (exitCode === 0) assert.equal(stdout, "134217728\n");
      else assert.match(stderr, /No such file/);
    });

    test("replaces the one of its name, and none whose id begins so", async () => {
      const id = await ok("create", ...c.fixture.idFlags(), "--name", "first", "host", "true");
      const prefix = id.slice(0, 12);
      await ok("run", "-d", ...c.fixture.idFlags(), "--replace", "--name", prefix, "host", "sleep", "1000");
      assert.equal((await ok("ps", "-aq")).split("\n").length, 2);
      await ok("run", ...c.fixture.idFlags(), "--rm", "--replace", "--name", prefix, "host", "true");
      assert.equal(await ok("ps", "-a", "--format", "{{.Names}}"), "first");
      await ok("rm", "first");
    });

    test("writes to a directory that stands for its image, or not", async () => {
      const root = c.place("rootfs");
      for (const name of ["bin", "proc", "dev", "sys", "etc", "tmp"]) mkdirSync(`${root}/${name}`, { recursive: true });
      writeFileSync(`${root}/bin/busybox`, readFileSync("/bin/busybox"), { mode: 0o755 });
      const script = "echo written > /tmp/note";
      await c.output("--rootfs", `${root}:O`, "/bin/busybox", "sh", "-c", script);
      assert.equal(existsSync(`${root}/tmp/note`), false);
      await c.output("--rootfs", root, "/bin/busybox", "sh", "-c", script);
      assert.equal(readFileSync(`${root}/tmp/note`, "utf8"), "written\n");
    });
  });
}

function descriptorCases({ c, ok }: Shared): void {
  describe("a container's program", { skip: c.skip }, () => {
    test("has descriptors of the caller's, as many as are asked for and open", async () => {
      const shell = (line: string): Promise<CommandResult> =>
        c.fixture.start("sh", ["-c", `${line}`, LAUNCHER, c.place("passed"), ...c.fixture.idFlags()]);
      const run = 'file=$1; shift; "$0" run --rm "$@" --preserve-fds';
      const say = "host sh -c 'echo three >&3; echo four >&4; ls /proc/self/fd | wc -l'";
      for (const init of ["", "--init"]) {
        const said = await shell(`exec 3>"$1" 4>>"$1"; ${run} 2 ${init} ${say}`);
        // The standard ones, those two, and that by which ls looks.
        assert.deepEqual([said.exitCode, said.stdout], [0, "6\n"], said.stderr);
        assert.equal(readFileSync(c.place("passed"), "utf8"), "three\nfour\n");
      }
      const missing = await shell(`exec 3>"$1"; ${run} 2 ${say}`);
      assert.deepEqual(
        [missing.exitCode, /descriptor 4 is not open/.test(missing.stderr)],
        [125, true],
        missing.stderr,
      );
      const kept = await shell(`exec 3>"$1"; shift; "$0" run -d "$@" --preserve-fds 1 host true`);
      assert.match(kept.stderr, /--preserve-fds.*ends with its caller/);
      const id = await ok("run", "-d", ...c.fixture.idFlags(), "host", "sleep", "1000");
      const line = `exec 3>"$1"; "$0" exec --preserve-fds 1 ${id} sh -c 'echo exec >&3'`;
      assert.equal((await shell(line)).exitCode, 0);
      assert.equal(readFileSync(c.place("passed"), "utf8"), "exec\n");
      await ok("rm", "-f", id);
    });
  });
}

function mountCases({ c, ok }: Shared): void {
  describe("a container's files", { skip: c.skip }, () => {
    test("are another one's volumes and binds, as that one has them or read-only", async () => {
      const shared = c.place("shared");
      mkdirSync(shared);
      const flags = ["-v", "from-vol:/vol", "-v", `${shared}:/bind`, "-v", `${shared}:/fixed:ro`, "--tmpfs", "/mem"];
      await ok("create", ...c.fixture.idFlags(), "--name", "source", ...flags, "host", "true");
      const script = "echo x > /vol/a && echo y > /bind/b && cat /fixed/b; ls -d /mem 2>&1; echo z > /fixed/c";
      const args = ["--volumes-from", "source", "host", "sh", "-c", script];
      const { stdout, stderr } = await c.run(args);
      assert.match(stdout, /^y\n/);
      assert.match(stderr, /Read-only file system/);
      assert.match(`${stdout}${stderr}`, /mem.*No such file/s);
      const read = await c.run(["--volumes-from", "source:ro", "host", "sh", "-c", "cat /vol/a; echo n > /vol/a"]);
      assert.deepEqual([read.stdout, /Read-only file system/.test(read.stderr)], ["x\n", true]);
      const own = ["--volumes-from", "source", "-v", `${shared}:/vol`, "host", "ls", "/vol"];
      assert.equal(await c.output(...own), "b");
      await ok("create", ...c.fixture.idFlags(), "--name", "told", "--volumes-from", "source:ro", "host", "true");
      assert.equal(await ok("inspect", "-f", "{{.HostConfig.VolumesFrom}} {{len .Mounts}}", "told"), "[source:ro] 3");
      const used = await c.fixture.orlop(["volume", "rm", "from-vol"]);
      assert.match(used.stderr, /in use/);
      await ok("rm", "source", "told");
      await ok("volume", "rm", "from-vol");
      assert.match((await c.run(["--volumes-from", "source", "host", "true"])).stderr, /No such container: source/);
    });

    test("are kept as they are below what is written over them", async () => {
      const kept = c.place("kept");
      mkdirSync(kept);
      writeFileSync(`${kept}/a`, "before\n");
      const script = "echo after > /kept/a && cat /kept/a";
      assert.equal(await c.output("-v", `${kept}:/kept:O`, "host", "sh", "-c", script), "after");
      assert.equal(readFileSync(`${kept}/a`, "utf8"), "before\n");
      const noexec = await c.run(["-v", `${kept}:/kept:noexec`, "host", "sh", "-c", "cp /bin/true /kept/t && /kept/t"]);
      assert.match(noexec.stderr, /Permission denied/i);
    });

    test("are given to the container's user with all that is in them, and nothing else is", async () => {
      const isRoot = process.getuid?.() === 0;
      const given = c.place("given");
      mkdirSync(join(given, "inner"), { recursive: true });
      for (const file of [join(given, "inner", "file"), c.place("outside")]) writeFileSync(file, "");
      symlinkSync(c.place("outside"), join(given, "link"));
      const user = isRoot ? "1234:4321" : "0:0";
      const [uid, gid] = isRoot ? [1234, 4321] : [process.getuid?.(), process.getgid?.()];
      const look = "stat -c %u:%g /given /given/inner /given/inner/file /given/link | sort -u";
      assert.equal(await c.output("-u", user, "-v", `${given}:/given:U`, "host", "sh", "-c", look), user);
      assert.deepEqual([lstatSync(join(given, "inner", "file")).uid, lstatSync(given).gid], [uid, gid]);
      assert.equal(lstatSync(c.place("outside")).uid, process.getuid?.());
      const flags = ["-u", user, "--mount", "type=volume,src=given-vol,dst=/v,U", "--name", "given"];
      const id = await ok("run", "-d", ...c.fixture.idFlags(), ...flags, "host", "sleep", "1000");
      assert.equal(await ok("exec", "given", "stat", "-c", "%u:%g", "/v"), user);
      await ok("rm", "-f", id);
      await ok("volume", "rm", "given-vol");
      const missing = await c.run(["-v", `${given}/nowhere:/x:U`, "host", "true"]);
      assert.match(missing.stderr, /(does not exist|no such file)/i);
      assert.equal(existsSync(join(given, "nowhere")), false);
      const system = await c.run(["-v", "/usr/lib:/x:U", "host", "true"]);
      assert.deepEqual([system.exitCode, /Cannot give "\/usr\/lib"/.test(system.stderr)], [125, true], system.stderr);
      if (isRoot) return;
      const other = await c.run(["-u", "5", "-v", `${given}:/given:U`, "host", "true"]);
      assert.match(other.stderr, /only user 0 and group 0/);
    });

    test("leave memory to write to where the rest is read-only", async () => {
      const script = "echo 1 > /tmp/a && echo 2 > /run/a && echo 3 > /var/tmp/a && ! echo 4 > /a";
      await c.output("--read-only", "--read-only-tmpfs", "host", "sh", "-c", script);
    });
  });
}

function streamCases({ c, ok }: Shared): void {
  describe("a container's streams", { skip: c.skip }, () => {
    test("are those that somebody is attached to, and all are kept", async () => {
      const script = "echo out; echo err >&2";
      for (const [name, expected] of [
        ["stdout", ["out\n", ""]],
        ["STDERR", ["", "err\n"]],
      ] as const) {
        const args = ["run", ...c.fixture.idFlags(), "-a", name, "--name", "attached", "host", "sh", "-c", script];
        const { stdout, stderr } = await c.fixture.orlop(args);
        assert.deepEqual([stdout, stderr], expected);
        const kept = await c.fixture.orlop(["logs", "attached"]);
        assert.deepEqual([kept.stdout, kept.stderr], ["out\n", "err\n"]);
        await ok("rm", "attached");
      }
    });

    test("have labels, variables and a tag with each line for who asks for them", async () => {
      const wanted = ["labels=of,none", "env-regex=^VAL", "tag={{.Name}}/{{.ImageName}}"];
      const flags = [...wanted.flatMap((each) => ["--log-opt", each]), "--label", "of=a b", "-e", "VALUE=1&2"];
      await ok("run", ...c.fixture.idFlags(), ...flags, "--name", "told", "host", "echo", "line");
      const details = "VALUE=1%262,of=a+b,tag=told%2Fhost";
      assert.equal(await ok("logs", "--details", "told"), `${details} line`);
      assert.match(
        await ok("logs", "-t", "--details", "told"),
        new RegExp(`^\\S+Z ${details.replace("+", "\\+")} line$`),
      );
      assert.equal(await ok("logs", "told"), "line");
      const config = await ok("inspect", "-f", "{{json .HostConfig.LogConfig.Config}}", "told");
      assert.deepEqual(JSON.parse(config), {
        "env-regex": "^VAL",
        labels: "of,none",
        tag: "{{.Name}}/{{.ImageName}}",
      });
      await ok("rm", "told");
      await ok("run", ...c.fixture.idFlags(), "--name", "plain", "host", "echo", "line");
      assert.equal((await c.fixture.orlop(["logs", "--details", "plain"])).stdout, " line\n");
      await ok("rm", "plain");
    });

    test("take input alone, and say which container that is", async () => {
      const args = ["run", "-i", ...c.fixture.idFlags(), "-a", "stdin", "--name", "fed", "host", "cat"];
      const { exitCode, stdout } = await c.fixture.orlop(args, { input: "one\ntwo\n" });
      assert.deepEqual([exitCode, stdout.trim()], [0, await ok("ps", "-aq", "--no-trunc")]);
      assert.equal(await ok("wait", "fed"), "0");
      assert.equal(await ok("logs", "fed"), "one\ntwo");
      await ok("rm", "fed");
    });
  });
}
