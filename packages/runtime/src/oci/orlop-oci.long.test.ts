import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { NotHere } from "./call.ts";
import { callOci } from "./call-fixture.ts";
import { FakeContainers } from "./fake-containers-fixture.ts";
import { VERBS } from "./verb-table.ts";

const SCREEN_WIDTH = 100;

describe("the help", () => {
  test("is shown for every way to ask for it", async () => {
    for (const args of [[], ["-h"], ["--help"], ["help"], ["h"]]) {
      const { exitCode, stdout } = await callOci(args);
      assert.equal(exitCode, 0);
      assert.match(stdout, /^NAME:\n {3}orlop-oci - Open Container Initiative runtime\n/, args.join(" "));
      for (const { name } of VERBS) assert.match(stdout, new RegExp(`^ {3}${name} {2}`, "m"));
    }
  });

  for (const { name, summary } of VERBS) {
    test(`of ${name} fits a screen and is shown for every way to ask for it`, async () => {
      const { exitCode, stdout, stderr } = await callOci([name, "--help"]);
      assert.deepEqual([exitCode, stderr], [0, ""]);
      assert.ok(stdout.startsWith(`NAME:\n   orlop-oci ${name} - ${summary}\n`));
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.length > SCREEN_WIDTH),
        [],
      );
      for (const args of [
        [name, "-h"],
        ["help", name],
        ["h", name],
        ["--help", name],
      ]) {
        // `--help` before a verb is about the command as a whole only when no verb follows.
        assert.equal((await callOci(args)).stdout, args[0] === "--help" ? (await callOci(["help"])).stdout : stdout);
      }
    });
  }

  test("of no command at all is refused as runc refuses it", async () => {
    for (const args of [["nope"], ["nope", "-h"], ["help", "nope"]]) {
      const { exitCode, stderr } = await callOci(args);
      assert.equal(exitCode, 3);
      assert.match(stderr, /^No help topic for 'nope'/);
    }
  });
});

test("the version is in the lines that dockerd and go-runc read", async () => {
  const { stdout } = await callOci(["--version"]);
  assert.deepEqual((await callOci(["-v"])).stdout, stdout);
  const [first = "", second = "", third = "", ...rest] = stdout.split("\n");
  assert.match(first, /^orlop-oci version \d+\.\d+\.\d+$/);
  assert.match(second, /^commit: \S+$/);
  assert.match(third, /^spec: 1\.\d+\.\d+$/);
  assert.deepEqual(rest, [""]);
});

test("a command that is called by another name goes by it, and its version tells what it is", async () => {
  const name = "runc";
  const { stdout } = await callOci(["--version"], { name });
  assert.match(stdout, /^runc version \S+\ncommit: \S+\nspec: \S+\nimplementation: orlop-oci \S+\n$/);
  assert.match((await callOci(["--help"], { name })).stdout, /^NAME:\n {3}runc - Open Container Initiative runtime\n/);
  assert.match(
    (await callOci(["state", "-h"], { name })).stdout,
    /^NAME:\n {3}runc state - .*\n\nUSAGE:\n {3}runc state /,
  );
  assert.match((await callOci(["state"], { name })).stderr, /^runc: "state" requires .*\nTry 'runc state --help'\.\n$/);
  assert.match((await callOci(["nope"], { name })).stderr, /\nTry 'runc --help'\.\n$/);
});

test("the name of a command is that of the link that it is called through", async () => {
  await withTemporaryDirectory(async (directory) => {
    const link = join(directory, "runc");
    symlinkSync(join(import.meta.dirname, "../../bin/orlop-oci"), link);
    const env = { ...process.env, XDG_CACHE_HOME: directory, ORLOP_OCI_RESIDENT: "0" };
    assert.match(execFileSync(link, ["--version"], { env, encoding: "utf8" }), /^runc version /);
  });
});

describe("global options", () => {
  test("reach the containers", async () => {
    const cases: readonly [args: readonly string[], expected: object][] = [
      [[], { root: "/run/orlop-oci", cgroupDriver: "cgroupfs", rootless: undefined }],
      [["--root", "x/../y"], { root: "/here/y" }],
      [["--systemd-cgroup"], { cgroupDriver: "systemd" }],
      [["--cgroup-manager=systemd", "--systemd-cgroup"], { cgroupDriver: "systemd" }],
      [["--cgroup-manager", "disabled"], { cgroupDriver: "disabled" }],
      [["--rootless=true"], { rootless: true }],
      [["--rootless", "false"], { rootless: false }],
      [["--rootless="], { rootless: undefined }],
      [["--criu", "/usr/sbin/criu"], {}],
    ];
    for (const [args, expected] of cases) {
      const containers = new FakeContainers().with("a", "running");
      const { exitCode, stderr } = await callOci([...args, "pause", "a"], {
        containers,
        cwd: "/here",
        env: process.getuid?.() === 0 ? {} : { XDG_RUNTIME_DIR: "/run" },
      });
      assert.deepEqual([exitCode, stderr], [0, ""], args.join(" "));
      assert.deepEqual({ ...containers.options, ...expected }, containers.options, args.join(" "));
    }
  });

  test("have hooks in the container's namespaces begin where the namesake does it", async () => {
    for (const name of ["crun", "runc"]) {
      const containers = new FakeContainers().with("a", "running");
      await callOci(["pause", "a"], { containers, name });
      assert.equal(containers.options?.hooksInBundle, name === "crun");
      assert.equal(containers.options?.listensAsCrun, name === "crun");
    }
  });

  test("that mean nothing are refused by name", async () => {
    const cases: readonly [args: readonly string[], message: RegExp][] = [
      [["--nope", "list"], /^flag provided but not defined: -nope\n/],
      [["--root=", "list"], /^Cannot use root "": it is empty/],
      [["--root", "/x/..", "list"], /^Cannot use root "\/"/],
      [["--cgroup-manager", "openrc", "list"], /^Cannot use cgroup manager "openrc"/],
      [["--cgroup-manager", "cgroupfs", "--systemd-cgroup", "list"], /--systemd-cgroup asks for another one/],
      [["--rootless", "maybe", "list"], /^Cannot use rootless "maybe"/],
      [["--log-format", "xml", "list"], /^invalid log-format: xml\n/],
      [["--log", "/nowhere/log", "list"], /^Cannot open log "\/nowhere\/log": no such file or directory/],
    ];
    for (const [args, message] of cases) {
      const { exitCode, stderr, stdout } = await callOci(args);
      assert.deepEqual([exitCode, stdout], [1, ""], args.join(" "));
      assert.match(stderr, message);
    }
  });

  test("put the state of an ordinary user into his own directory", async () => {
    const containers = new FakeContainers().with("a", "running");
    await callOci(["pause", "a"], { containers, env: { XDG_RUNTIME_DIR: "/run/user/1000" } });
    const isRoot = process.getuid?.() === 0;
    assert.equal(containers.options?.root, isRoot ? "/run/orlop-oci" : "/run/user/1000/orlop-oci");
  });
});

describe("an error", () => {
  test("is a plain sentence on standard error", async () => {
    const { exitCode, stdout, stderr } = await callOci(["state", "nope"]);
    assert.deepEqual(
      [exitCode, stdout, stderr],
      [1, "", 'Cannot find container "nope": there is none (container does not exist)\n'],
    );
  });

  test("is a line of the log as well, as JSON or as text", async () => {
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, "log");
      for (const format of ["json", "text"]) {
        const args = ["--log", "log", "--log-format", format, "state", "nope"];
        assert.match((await callOci(args, { cwd: directory })).stderr, /^Cannot find container "nope"/);
      }
      const [json = "", text = "", ...rest] = readFileSync(path, "utf8").split("\n");
      const { level, msg, time, ...others } = JSON.parse(json) as Record<string, string>;
      assert.deepEqual([level, others], ["error", {}]);
      assert.match(msg ?? "", /container does not exist/);
      assert.match(time ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.match(text, /^time="[^"]+" level=error msg="Cannot find container \\"nope\\": .*"$/);
      assert.deepEqual(rest, [""]);
    });
  });

  test("is a line on standard error for who asks for lines", async () => {
    const asJson = await callOci(["--log-format=json", "state", "nope"]);
    assert.equal((JSON.parse(asJson.stderr) as { readonly level: string }).level, "error");
    const withDebug = await callOci(["--debug", "state", "nope"]);
    assert.match(withDebug.stderr, /^time="[^"]+" level=debug msg="state .*"\ntime="[^"]+" level=error msg=".*"\n$/);
  });

  test("of our own is told with the place it happened at", async () => {
    const containers = new FakeContainers();
    containers.list = async () => {
      throw new TypeError("oops");
    };
    await withTemporaryDirectory(async (directory) => {
      const { exitCode, stderr } = await callOci(["--root", directory, "list"], { containers });
      assert.equal(exitCode, 1);
      assert.match(stderr, /^This should not have happened: TypeError: oops\n {4}at /);
    });
  });
});

test("what means something else in another process is left to the caller's own", async () => {
  const elsewhere = { pid: process.pid + 1 };
  for (const args of [
    ["--log", "/dev/stderr", "list"],
    ["--root", "/proc/self/cwd", "list"],
    ["exec", "--process", "/dev/fd/3", "a"],
    ["update", "--resources", "/dev/stdin", "a"],
    ["update", "--resources", "/dev/zero", "a"],
  ]) {
    const containers = new FakeContainers().with("a", "running");
    await assert.rejects(callOci(args, { ...elsewhere, containers }), NotHere, args.join(" "));
  }
  assert.equal((await callOci(["--log", "/dev/null", "list"], elsewhere)).exitCode, 0);
});

describe("names of containers", () => {
  const bad: readonly [id: string, words: RegExp][] = [
    ["", /container id cannot be empty/],
    ["a/b", /invalid container ID format/],
    ["..", /invalid container ID format/],
    [".", /invalid container ID format/],
    ["a b", /invalid container ID format/],
    ["\u00e4", /invalid container ID format/],
    ["x".repeat(1024), /invalid container ID format/],
  ];
  for (const verb of "create run start state kill delete exec ps pause resume update events".split(" ")) {
    test(`are checked by ${verb} before anything is looked at`, async () => {
      for (const [id, words] of bad) {
        const containers = new FakeContainers();
        const { exitCode, stderr } = await callOci([verb, id, ...(verb === "exec" ? ["sh"] : [])], { containers });
        assert.equal(exitCode, verb === "exec" ? 255 : 1);
        assert.match(stderr, words);
        assert.equal(containers.options, undefined);
      }
    });
  }
});

test("a verb without its words says how many there should be", async () => {
  const cases: readonly [args: readonly string[], words: RegExp][] = [
    [["state"], /"state" requires exactly 1 argument\(s\)/],
    [["state", "a", "b"], /"state" requires exactly 1 argument\(s\)/],
    [["list", "a"], /"list" requires exactly 0 argument\(s\)/],
    [["kill"], /"kill" requires a minimum of 1 argument\(s\)/],
    [["kill", "a", "9", "x"], /"kill" requires a maximum of 2 argument\(s\)/],
  ];
  for (const [args, words] of cases) {
    const { exitCode, stderr } = await callOci(args);
    assert.equal(exitCode, 1);
    assert.match(stderr, words);
  }
});

describe("a container in the wrong state", () => {
  const cases: readonly [
    args: readonly string[],
    status: "created" | "running" | "paused" | "stopped",
    words: RegExp,
  ][] = [
    [["start", "a"], "running", /cannot start an already running container/],
    [["start", "a"], "stopped", /cannot start a container that has stopped/],
    [["start", "a"], "paused", /cannot start a container in the paused state/],
    [["kill", "a"], "stopped", /container not running/],
    [["pause", "a"], "stopped", /container not running/],
    [["pause", "a"], "paused", /container not running/],
    [["resume", "a"], "running", /container not paused/],
    [["delete", "a"], "running", /cannot delete container a that is not stopped: running/],
    [["delete", "a"], "paused", /cannot delete container a that is not stopped: paused/],
    [["exec", "a", "sh"], "stopped", /cannot exec in a stopped container/],
    [["exec", "a", "sh"], "paused", /cannot exec in a paused container \(use --ignore-paused to override\)/],
    [["update", "a", "--memory", "1g"], "stopped", /container not running/],
    [["events", "--stats", "a"], "stopped", /container with id a is not running/],
  ];
  for (const [args, status, words] of cases) {
    test(`is refused in runc's words: ${args.join(" ")} of a ${status} one`, async () => {
      const containers = new FakeContainers().with("a", status);
      const { exitCode, stderr } = await callOci(args, { containers });
      assert.equal(exitCode, args[0] === "exec" ? 255 : 1);
      assert.match(stderr, words);
      assert.deepEqual(containers.asked, []);
    });
  }
});

test("a container that is not there is so for every verb, and deleting it by force is nothing", async () => {
  for (const args of [
    ["start", "a"],
    ["state", "a"],
    ["kill", "a"],
    ["kill", "--all", "a", "9"],
    ["delete", "a"],
    ["exec", "a", "sh"],
    ["ps", "a"],
    ["pause", "a"],
    ["resume", "a"],
    ["update", "a", "--memory", "1g"],
    ["events", "a"],
  ]) {
    const { exitCode, stderr } = await callOci(args);
    assert.equal(exitCode, args[0] === "exec" ? 255 : 1);
    assert.match(stderr, /container does not exist/, args.join(" "));
  }
  assert.deepEqual(await callOci(["delete", "--force", "a"]), { exitCode: 0, stdout: "", stderr: "" });
});

test("a root that is not there has no containers, and is refused where it was named", async () => {
  await withTemporaryDirectory(async (directory) => {
    const root = join(directory, "root");
    const { exitCode, stderr } = await callOci(["--root", root, "list"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /no such file or directory/);
    mkdirSync(root);
    assert.equal((await callOci(["--root", root, "list", "-q"])).stdout, "");
  });
});
