import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { defaultSpec, OrlopError, type RuntimeSpec } from "@orlop/core";
import { temporaryDirectory, writeBundle } from "@orlop/testkit";
import { callOci } from "../call-fixture.ts";
import { FakeContainers } from "../fake-containers-fixture.ts";

/** A bundle that goes away with the scope, and what a call there needs. */
function bundle(changes: Partial<RuntimeSpec> = {}) {
  const directory = temporaryDirectory();
  writeBundle(directory.path, { ...defaultSpec(), ...changes });
  const containers = new FakeContainers();
  return {
    path: directory.path,
    containers,
    call: (...args: readonly string[]) => callOci(args, { cwd: directory.path, containers }),
    callWith: (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
      callOci(args, { cwd: directory.path, containers, env }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const terminal = (): Partial<RuntimeSpec> => {
  const { process } = defaultSpec();
  return process === undefined ? {} : { process: { ...process, terminal: true } };
};

describe("create", () => {
  test("passes on what go-runc and conmon say", async () => {
    using b = bundle(terminal());
    const args =
      "create --no-subreaper --bundle . --pid-file pid --console-socket c.sock --pidfd-socket p.sock --no-pivot";
    const result = await b.call(...args.split(" "), "--no-new-keyring", "--preserve-fds", "2", "a");
    assert.deepEqual(result, { exitCode: 0, stdout: "", stderr: "" });
    const [{ spec, announce, ...request } = assert.fail()] = b.containers.created;
    assert.deepEqual(request, {
      id: "a",
      bundle: b.path,
      directories: [],
      consoleSocket: join(b.path, "c.sock"),
      pidfdSocket: join(b.path, "p.sock"),
      preserveFds: 2,
      keepGroups: false,
      noPivot: true,
      noNewKeyring: true,
    });
    assert.equal(spec.process?.terminal, true);
    assert.ok(announce !== undefined);
    assert.equal(readFileSync(join(b.path, "pid"), "utf8"), "4711");
    assert.deepEqual(readdirSync(b.path).sort(), ["config.json", "pid"]);
  });

  test("fails for a pid file that cannot be written, and leaves no half of one", async () => {
    using b = bundle();
    mkdirSync(join(b.path, "pid"));
    for (const [path, words] of [
      ["pid", /^Cannot write pid file ".*\/pid": is a directory/],
      ["nowhere/pid", /^Cannot write pid file ".*": no such file or directory/],
    ] as const) {
      const { exitCode, stderr } = await b.call("create", "--pid-file", path, "a");
      assert.equal(exitCode, 1);
      assert.match(stderr, words);
    }
    assert.deepEqual(readdirSync(b.path).sort(), ["config.json", "pid"]);
  });

  test("refuses a terminal without a place to go, and a place without a terminal", async () => {
    using b = bundle(terminal());
    for (const args of [
      ["create", "a"],
      ["run", "-d", "a"],
    ]) {
      const { exitCode, stderr } = await b.call(...args);
      assert.equal(exitCode, 1);
      assert.match(stderr, /^cannot allocate tty if .* will detach without setting console socket/);
    }
    using plain = bundle();
    for (const [place, args] of [
      [plain, ["create", "--console-socket", "x", "a"]],
      [b, ["run", "--console-socket", "x", "a"]],
    ] as const) {
      assert.match(
        (await place.call(...args)).stderr,
        /^cannot use console socket if .* will not detach or allocate tty/,
      );
    }
  });

  test("takes a config from elsewhere, which the usual name does not mean", async () => {
    using b = bundle();
    const { path } = b;
    mkdirSync(join(path, "inner"));
    writeBundle(join(path, "inner"), { ...defaultSpec(), annotations: { from: "inner" } });
    for (const [config, from] of [
      [["-f", "inner/config.json"], join(path, "inner/config.json")],
      [["--config", join(path, "inner/config.json")], join(path, "inner/config.json")],
      [["--config", "config.json"], undefined],
    ] as const) {
      assert.equal((await b.call("create", ...config, `a${b.containers.created.length}`)).exitCode, 0);
      const { bundle: used, configPath, spec } = b.containers.created.at(-1) ?? assert.fail();
      assert.deepEqual([used, configPath], [path, from]);
      assert.equal(spec.annotations?.from, from === undefined ? undefined : "inner");
    }
    const missing = await b.call("create", "--config", "none.json", "b");
    assert.match(missing.stderr, /^Cannot read config ".*\/none\.json": no such file or directory/);
  });

  test("refuses bundles that are none", async () => {
    using b = bundle();
    const cases: readonly [bundle: string, text: string | undefined, words: RegExp][] = [
      ["nowhere", undefined, /^Cannot read bundle ".*\/nowhere": no such file or directory/],
      ["config.json", undefined, /^Cannot read config ".*\/config.json\/config.json": not a directory/],
      ["empty", undefined, /JSON specification file config.json not found/],
      ["broken", "{", /^Cannot decode OCI runtime config: the text is not JSON/],
      ["null", "null", /^Cannot decode OCI runtime config/],
      ["other", '{"ociVersion": "1.0.2", "root": {"path": "r"}}', /^Cannot use config ".*": it has no process/],
      ["new", '{"ociVersion": "2.0.0", "root": {"path": "r"}}', /"ociVersion"/],
    ];
    for (const [name, text, words] of cases) {
      if (name === "empty" || text !== undefined) mkdirSync(join(b.path, name));
      if (text !== undefined) writeFileSync(join(b.path, name, "config.json"), text);
      const { exitCode, stderr } = await b.call("create", "-b", name, "a");
      assert.equal(exitCode, 1);
      assert.match(stderr, words);
    }
    assert.deepEqual(b.containers.created, []);
  });

  test("says so where the name is taken", async () => {
    using b = bundle();
    await b.call("create", "a");
    const { exitCode, stderr } = await b.call("create", "a");
    assert.equal(exitCode, 1);
    assert.match(stderr, /container with given ID already exists/);
  });

  test("passes on sockets of socket activation that are meant for it", async () => {
    using b = bundle();
    const meant = { LISTEN_PID: String(process.pid), LISTEN_FDS: "2" };
    await b.callWith(meant, "create", "--preserve-fds=1", "a");
    await b.callWith({ ...meant, LISTEN_PID: "1" }, "create", "b");
    await b.callWith({ ...meant, LISTEN_FDS: "-2" }, "create", "c");
    const given = b.containers.created.map(({ preserveFds, spec }) => [
      preserveFds,
      spec.process?.env?.filter((entry) => entry.startsWith("LISTEN_")),
    ]);
    assert.deepEqual(given, [
      [3, ["LISTEN_FDS=2", "LISTEN_PID=1"]],
      [0, []],
      [0, []],
    ]);
  });

  test("passes on sockets that are meant for nobody in particular only under the name of crun", async () => {
    using b = bundle();
    const nobody = { LISTEN_FDS: "2" };
    const create = ["create", "--bundle", b.path];
    for (const name of ["crun", "runc"]) {
      await callOci([...create, name], { name, env: nobody, containers: b.containers });
    }
    assert.deepEqual(
      b.containers.created.map(({ preserveFds }) => preserveFds),
      [2, 0],
    );
  });

  test("passes on no descriptor that is not open, and only under the name of crun makes do with the others", async () => {
    using b = bundle();
    const create = ["create", "--bundle", b.path, "--preserve-fds", "3"];
    const open = { containers: b.containers, openDescriptors: 2 };
    const refused = await callOci([...create, "a"], open);
    assert.match(refused.stderr, /^Cannot preserve 3 descriptors: descriptor 5 is not open$/m);
    const made = await callOci([...create, "b"], { ...open, name: "crun" });
    assert.match(made.stderr, /^warning: Cannot preserve 3 descriptors: descriptor 5 is not open; 2 are passed on$/m);
    assert.deepEqual(
      b.containers.created.map(({ id, preserveFds }) => [id, preserveFds]),
      [["b", 2]],
    );
  });

  test("gives the container a socket for what it has to tell the service manager", async () => {
    using b = bundle();
    await b.callWith({ NOTIFY_SOCKET: "/run/systemd/notify" }, "--root", b.path, "create", "a");
    const [{ spec, directories } = assert.fail()] = b.containers.created;
    assert.deepEqual(directories, ["notify"]);
    assert.equal(spec.process?.env?.at(-1), "NOTIFY_SOCKET=/run/notify/notify.sock");
    assert.deepEqual(spec.mounts?.at(-1), {
      destination: "/run/notify",
      source: join(b.path, "a", "notify"),
      options: ["bind", "nosuid", "noexec", "nodev", "ro"],
    });
  });

  test("puts that socket where crun does under the name of crun", async () => {
    using b = bundle();
    for (const manager of ["/run/systemd/notify", "@abstract"]) {
      const circumstances = { name: "crun", env: { NOTIFY_SOCKET: manager }, containers: b.containers };
      await callOci(["--root", b.path, "create", "--bundle", b.path, manager.slice(1, 4)], circumstances);
    }
    assert.deepEqual(
      b.containers.created.map(({ spec }) => [spec.mounts?.at(-1)?.destination, spec.process?.env?.at(-1)]),
      [
        ["/run/systemd/notify", "NOTIFY_SOCKET=/run/systemd/notify/notify.sock"],
        ["/run/notify", "NOTIFY_SOCKET=/run/notify/notify.sock"],
      ],
    );
  });

  test("leaves the status file of crun under its name alone", async () => {
    for (const name of ["crun", "runc"]) {
      using b = bundle();
      mkdirSync(join(b.path, "a"));
      await callOci(["--root", b.path, "create", "--bundle", b.path, "a"], { name, containers: b.containers });
      assert.deepEqual(readdirSync(join(b.path, "a")), name === "crun" ? ["status"] : []);
      if (name !== "crun") continue;
      const status = JSON.parse(readFileSync(join(b.path, "a", "status"), "utf8"));
      assert.deepEqual([status.bundle, status.rootfs], [b.path, join(b.path, "rootfs")]);
      assert.equal(JSON.parse(status.external_descriptors).length, 3);
    }
  });

  test("keeps the caller's groups where podman's annotation asks for it", async () => {
    using b = bundle({ annotations: { "run.oci.keep_original_groups": "1" } });
    await b.call("create", "a");
    assert.equal(b.containers.created[0]?.keepGroups, true);
  });
});

describe("run", () => {
  test("waits for the container, which it keeps if it shall", async () => {
    using b = bundle();
    await b.call("run", "--pid-file", "pid", "a");
    await b.call("run", "--keep", "-no-subreaper", "b");
    assert.deepEqual(
      b.containers.ran.map(({ id, keep, subreaper }) => [id, keep, subreaper]),
      [
        ["a", false, true],
        ["b", true, false],
      ],
    );
    assert.equal(readFileSync(join(b.path, "pid"), "utf8"), "4711");
  });

  test("detached is create and start", async () => {
    using b = bundle();
    assert.equal((await b.call("run", "--detach", "a")).exitCode, 0);
    assert.deepEqual([b.containers.created.length, b.containers.asked], [1, ["start a"]]);
  });
});

describe("kill", () => {
  test("takes signals by number and by name", async () => {
    for (const [words, asked] of [
      [["a"], "signal a 15"],
      [["a", "9"], "signal a 9"],
      [["a", "KILL"], "signal a 9"],
      [["a", "SIGKILL"], "signal a 9"],
      [["a", "sigusr1"], "signal a 10"],
      [["a", "RTMIN+3"], "signal a 37"],
      [["a", "SIGRTMAX-1"], "signal a 63"],
      [["a", "0"], "signal a 0"],
      [["--all", "a", "9"], "signal a 9 all"],
      [["a", "9", "-a"], "signal a 9 all"],
    ] as const) {
      const containers = new FakeContainers().with("a", "running");
      assert.equal((await callOci(["kill", ...words], { containers })).exitCode, 0);
      assert.deepEqual(containers.asked, [asked]);
    }
  });

  test("refuses signals that are none", async () => {
    for (const signal of ["NOPE", "65", "9x", "RTMIN-1", "", "1e1"]) {
      const containers = new FakeContainers().with("a", "running");
      const { exitCode, stderr } = await callOci(["kill", "a", signal], { containers });
      assert.deepEqual([exitCode, containers.asked], [1, []]);
      assert.match(stderr, /^unknown signal /);
    }
  });

  test("of all processes is content when there are none", async () => {
    const containers = new FakeContainers().with("a", "stopped");
    assert.equal((await callOci(["kill", "--all", "a", "9"], { containers })).exitCode, 0);
  });
});

describe("delete", () => {
  test("kills what was never started, and what runs only by force", async () => {
    for (const [status, flags, asked] of [
      ["stopped", [], "delete a"],
      ["created", [], "delete a force"],
      ["running", ["--force"], "delete a force"],
      ["stopped", ["-f"], "delete a force"],
    ] as const) {
      const containers = new FakeContainers().with("a", status);
      assert.equal((await callOci(["delete", ...flags, "a"], { containers })).exitCode, 0);
      assert.deepEqual(containers.asked, [asked]);
    }
  });

  test("takes a pattern for all containers whose ids it matches", async () => {
    const containers = new FakeContainers()
      .with("test-1", "running")
      .with("other", "stopped")
      .with("test-2", "stopped");
    const { exitCode } = await callOci(["delete", "--force", "-r", "^test-[0-9]*"], { containers });
    assert.deepEqual([exitCode, containers.asked], [0, ["delete test-1 force", "delete test-2 force"]]);
    for (const verb of ["delete", "kill"]) {
      for (const pattern of ["(", "[[:alpha:]]"]) {
        const { exitCode: code, stderr } = await callOci([verb, "--regex", pattern], { containers });
        assert.deepEqual([code, stderr.startsWith(`Cannot use pattern "${pattern}": `)], [1, true], stderr);
      }
    }
  });

  test("by force fails for what cannot be removed", async () => {
    const containers = new FakeContainers();
    containers.delete = async () => {
      throw new OrlopError("failed", 'Cannot remove cgroup "/x": device or resource busy', { errno: "EBUSY" });
    };
    const { exitCode, stderr } = await callOci(["delete", "--force", "a"], { containers });
    assert.deepEqual([exitCode, stderr], [1, 'Cannot remove cgroup "/x": device or resource busy\n']);
  });
});

test("kill by a pattern is to all whose ids match and that have not stopped", async () => {
  const containers = new FakeContainers().with("test-1", "running").with("other", "running").with("test-2", "stopped");
  const { exitCode } = await callOci(["kill", "--regex", "^test-", "KILL"], { containers });
  assert.deepEqual([exitCode, containers.asked], [0, ["signal test-1 9"]]);
});

test("start, pause and resume do what they say", async () => {
  for (const [verb, status] of [
    ["start", "created"],
    ["pause", "running"],
    ["pause", "created"],
    ["resume", "paused"],
  ] as const) {
    const containers = new FakeContainers().with("a", status);
    assert.deepEqual(await callOci([verb, "a"], { containers }), { exitCode: 0, stdout: "", stderr: "" });
    assert.deepEqual(containers.asked, [`${verb} a`]);
  }
});
