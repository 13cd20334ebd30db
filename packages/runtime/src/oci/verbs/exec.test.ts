import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { defaultSpec, type Process } from "@orlop/core";
import { temporaryDirectory, writeBundle } from "@orlop/testkit";
import { callOci } from "../call-fixture.ts";
import { FakeContainers } from "../fake-containers-fixture.ts";

const OWN: Process = {
  terminal: true,
  user: { uid: 0, gid: 0, umask: 18, additionalGids: [5] },
  args: ["sleep"],
  env: ["PATH=/bin"],
  cwd: "/srv",
  capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
  noNewPrivileges: true,
};

/** A running container, and calls of exec there; goes away with the scope. */
function running(own: Process = OWN) {
  const directory = temporaryDirectory();
  writeBundle(directory.path, { ...defaultSpec(), process: own });
  const containers = new FakeContainers().with("a", "running", { bundle: directory.path });
  return {
    path: directory.path,
    containers,
    exec: (...args: readonly string[]) => callOci(["exec", ...args], { containers, cwd: directory.path }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("the process of an exec", () => {
  test("is the container's own with another program", async () => {
    using r = running();
    const result = await r.exec("a", "ls", "-l", "--", "-x");
    assert.deepEqual(result, { exitCode: 0, stdout: "", stderr: "" });
    const { args: _, terminal: __, ...rest } = OWN;
    assert.deepEqual(r.containers.executed[0]?.process, { ...rest, terminal: false, args: ["ls", "-l", "--", "-x"] });
    assert.deepEqual(r.containers.asked, ["foreground"]);
  });

  test("is changed by every flag", async () => {
    const changes: readonly [flags: readonly string[], expected: Partial<Process>][] = [
      [["-t"], { terminal: true }],
      [["--cwd", "/tmp"], { cwd: "/tmp" }],
      [["-e", "A=1", "--env=B=2=3"], { env: ["PATH=/bin", "A=1", "B=2=3"] }],
      [["-u", "1000"], { user: { ...OWN.user, uid: 1000 } }],
      [["--user=1000:100"], { user: { ...OWN.user, uid: 1000, gid: 100 } }],
      [["-g", "7", "--additional-gids=8,9"], { user: { ...OWN.user, additionalGids: [5, 7, 8, 9] } }],
      [["--no-new-privs=false"], { noNewPrivileges: false }],
      [["--apparmor", "p"], { apparmorProfile: "p" }],
      [["--process-label", "l"], { selinuxLabel: "l" }],
      [
        ["-c", "CAP_CHOWN", "--cap", "CAP_SYSLOG"],
        {
          capabilities: {
            bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"],
            effective: ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"],
            permitted: ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"],
          },
        },
      ],
    ];
    for (const [flags, expected] of changes) {
      using r = running();
      const { exitCode, stderr } = await r.exec(...flags, "a", "sh");
      assert.deepEqual([exitCode, stderr], [0, ""], flags.join(" "));
      assert.deepEqual(r.containers.executed[0]?.process, { ...OWN, terminal: false, args: ["sh"], ...expected });
    }
  });

  test("gets an ambient capability only where there are inheritable ones", async () => {
    using r = running({ ...OWN, capabilities: { ...OWN.capabilities, inheritable: ["CAP_KILL"] } });
    await r.exec("--cap", "CAP_CHOWN", "a", "sh");
    const { ambient, inheritable } = r.containers.executed[0]?.process.capabilities ?? {};
    assert.deepEqual([ambient, inheritable], [["CAP_CHOWN"], ["CAP_KILL"]]);
  });

  test("may be a file's, as containerd and conmon have it", async () => {
    using r = running();
    const process: Process = { user: { uid: 1, gid: 1 }, args: ["id"], cwd: "/" };
    writeFileSync(join(r.path, "process.json"), JSON.stringify(process));
    await r.exec("--pid-file", "pid", "--process", "process.json", "--detach", "a");
    assert.deepEqual(r.containers.executed[0]?.process, process);
    assert.deepEqual(r.containers.asked, []);
    assert.equal(readFileSync(join(r.path, "pid"), "utf8"), "4712");
    await r.exec("-p", "process.json", "--tty", "a");
    assert.equal(r.containers.executed[1]?.process.terminal, true);
  });

  test("that cannot be is refused by name", async () => {
    using r = running();
    writeFileSync(join(r.path, "process.json"), '{"user": {"uid": 1, "gid": 1}, "args": [], "cwd": "/"}');
    const cases: readonly [args: readonly string[], words: RegExp][] = [
      [["a"], /exec args cannot be empty/],
      [["--cwd", "tmp", "a", "sh"], /Cwd must be an absolute path/],
      [["-e", "A", "a", "sh"], /^Cannot use variable "A"/],
      [["-e", "=1", "a", "sh"], /^Cannot use variable "=1"/],
      [["-u", "root", "a", "sh"], /^bad uid: "root"/],
      [["-u", "1000x", "a", "sh"], /^bad uid: "1000x"/],
      [["-u", "-1", "a", "sh"], /^bad uid: "-1"/],
      [["-u", "4294967295", "a", "sh"], /^bad uid: "4294967295"/],
      [["-u", "0:", "a", "sh"], /^bad gid: ""/],
      [["-u", "0:0:0", "a", "sh"], /^bad gid: "0:0"/],
      [["-g", "-5", "a", "sh"], /^bad gid: "-5"/],
      [["--preserve-fds", "-1", "a", "sh"], /^Cannot preserve -1 descriptors/],
      [["-d", "-t", "a", "sh"], /without setting console socket/],
      [["--process", "nope.json", "a"], /^Cannot read process ".*\/nope.json": no such file or directory/],
      [["--process", "process.json", "a"], /^Cannot decode OCI process "args"/],
      [["--process", "process.json", "a", "sh"], /^Cannot execute "sh": --process says what to execute/],
      [["--process", "process.json", "-e", "A=1", "a"], /^Cannot use flag "--env": --process says all/],
    ];
    for (const [args, words] of cases) {
      const { exitCode, stderr } = await r.exec(...args);
      assert.equal(exitCode, 255, args.join(" "));
      assert.match(stderr, words);
    }
    assert.deepEqual(r.containers.executed, []);
  });
});

test("an exec goes into a paused container only when told so", async () => {
  using r = running();
  r.containers.with("a", "paused", { bundle: r.path });
  await r.exec("--ignore-paused", "-d", "a", "sh");
  assert.equal(r.containers.executed[0]?.ignorePaused, true);
});

describe("sub-cgroups", () => {
  const cases: readonly [flags: readonly string[], expected: object | RegExp | undefined][] = [
    [[], undefined],
    [["/"], { "": "/" }],
    [["sub/below"], { "": "sub/below" }],
    [["memory:a", "cpu,cpuacct:b"], { memory: "a", cpu: "b", cpuacct: "b" }],
    [["a", "b"], /there is another one, so it needs a controller/],
    [["memory:a", "b"], /there is another one, so it needs a controller/],
    [["memory:a", "memory:b"], /memory has a path already/],
    [[":a"], /the name of a controller is empty/],
    [["../up"], /bad sub cgroup path/],
    [["memory:a/../../b"], /bad sub cgroup path/],
  ];
  for (const [flags, expected] of cases) {
    test(`of ${flags.join(" and ") || "nothing"}`, async () => {
      using r = running();
      const { stderr } = await r.exec(...flags.map((flag) => `--cgroup=${flag}`), "-d", "a", "sh");
      if (expected instanceof RegExp) assert.match(stderr, expected);
      else assert.deepEqual(r.containers.executed[0]?.cgroup, expected);
    });
  }
});
