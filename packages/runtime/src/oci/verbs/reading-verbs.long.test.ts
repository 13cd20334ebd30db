import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeRuntimeSpec, LINUX_SECCOMP_ACTIONS, OrlopError } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { callOci } from "../call-fixture.ts";
import { FAKE_STATS, FakeContainers } from "../fake-containers-fixture.ts";

const two = (): FakeContainers =>
  new FakeContainers()
    .with("first", "running", { annotations: { a: "b" } })
    .with("second-with-a-long-name", "stopped", { ownerUid: 987_654 });

describe("state", () => {
  test("has runc's members in runc's order", async () => {
    const { stdout } = await callOci(["state", "first"], { containers: two() });
    assert.deepEqual(Object.entries(JSON.parse(stdout) as object), [
      ["ociVersion", "1.0.2"],
      ["id", "first"],
      ["pid", 4711],
      ["status", "running"],
      ["bundle", "/bundle"],
      ["rootfs", "/bundle/rootfs"],
      ["created", "2026-01-02T03:04:05.678Z"],
      ["annotations", { a: "b" }],
      ["owner", ""],
    ]);
  });

  test("of a stopped container has the pid 0 and no empty annotations", async () => {
    const { stdout } = await callOci(["state", "second-with-a-long-name"], { containers: two() });
    const state = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([state.pid, Object.hasOwn(state, "annotations")], [0, false]);
  });
});

describe("list", () => {
  test("is a table, JSON or names", async () => {
    await withTemporaryDirectory(async (root) => {
      const list = async (...args: readonly string[]) =>
        (await callOci(["--root", root, "list", ...args], { containers: two() })).stdout;
      assert.equal(
        await list(),
        [
          "ID                        PID         STATUS      BUNDLE      CREATED                    OWNER\n",
          "first                     4711        running     /bundle     2026-01-02T03:04:05.678Z   root\n",
          "second-with-a-long-name   0           stopped     /bundle     2026-01-02T03:04:05.678Z   #987654\n",
        ].join(""),
      );
      assert.equal(await list("--format", "table"), await list());
      assert.equal(await list("-q"), "first\nsecond-with-a-long-name\n");
      const [first, second] = JSON.parse(await list("-f=json")) as Record<string, unknown>[];
      assert.deepEqual([first?.id, first?.owner, second?.owner], ["first", "root", "#987654"]);
      const { exitCode, stderr } = await callOci(["--root", root, "list", "-f", "xml"]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /invalid format option/);
    });
  });
});

describe("ps", () => {
  test("shows the lines of ps that are about the container", async (t) => {
    if (!existsSync("/bin/ps")) return t.skip("needs /bin/ps (Debian: apt-get install procps)");
    const containers = two();
    containers.processes = [process.pid];
    const ps = async (...args: readonly string[]) =>
      await callOci(["ps", "first", ...args], { containers, env: { PATH: process.env.PATH ?? "" } });
    const [title = "", line = "", ...rest] = (await ps()).stdout.split("\n");
    assert.match(title, /UID +PID +PPID/);
    assert.match(line, new RegExp(`^\\S+ +${process.pid} `));
    assert.deepEqual(rest, [""]);
    assert.match((await ps("-e", "-o", "pid,comm")).stdout, new RegExp(`^ *PID COMMAND\\n *${process.pid} \\S+.*\\n$`));
    assert.match((await ps("-e", "-o", "comm")).stderr, /couldn't find PID field in ps output/);
    assert.match((await ps("--nonsense")).stderr, /^Cannot execute "ps": /);
    assert.match((await callOci(["ps", "first"], { containers, env: { PATH: "/nowhere" } })).stderr, /no such program/);
  });

  test("is a list of numbers as JSON", async () => {
    const containers = two();
    containers.processes = [3, 5];
    assert.equal((await callOci(["ps", "-f", "json", "first"], { containers })).stdout, "[3,5]\n");
    assert.match((await callOci(["ps", "-f", "xml", "first"], { containers })).stderr, /invalid format option/);
  });
});

describe("events", () => {
  const { memory } = FAKE_STATS;
  const killed = { ...FAKE_STATS, memory: memory && { ...memory, events: { oom_kill: 1n } } };

  test("--stats is one reading with runc's names", async () => {
    const { stdout } = await callOci(["events", "--stats", "first"], { containers: two() });
    assert.ok(stdout.startsWith('{"type":"stats","id":"first","data":{'));
    const { data } = JSON.parse(stdout) as { readonly data: Record<string, unknown> };
    assert.deepEqual(data.cpu, {
      usage: { total: 3, percpu: [3, 0], kernel: 1, user: 2 },
      throttling: { periods: 4, throttledPeriods: 2, throttledTime: 30 },
      psi: { some: { avg10: 1.5, avg60: 0, avg300: 0, total: 7 } },
    });
    assert.match(stdout, /"usage":\{"limit":18446744073709551615,"usage":4096,"max":8192,"failcnt":0\}/);
    assert.deepEqual(data.pids, { current: 2 });
    assert.deepEqual((data.blkio as { readonly ioServicedRecursive: unknown }).ioServicedRecursive, [
      { major: 8, minor: 0, op: "Read", value: 3 },
      { major: 8, minor: 0, op: "Write", value: 4 },
      { major: 8, minor: 0, op: "Discard", value: 0 },
    ]);
    assert.deepEqual(data.hugetlb, { "2MB": { usage: 0, failcnt: 0 } });
  });

  test("follow a container to its end, with what the kernel killed", async () => {
    const containers = two();
    containers.readings = [FAKE_STATS, FAKE_STATS, killed, killed];
    const { exitCode, stdout } = await callOci(["events", "--interval", "1ns", "first"], { containers });
    assert.equal(exitCode, 0);
    const types = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly type: string }).type);
    assert.deepEqual(types, ["stats", "oom", "stats", "stats"]);
    assert.ok(stdout.includes('{"type":"oom","id":"first"}\n'));
  });

  for (const gone of ["stopped", "deleted"] as const) {
    for (const readings of [0, 2]) {
      test(`end without a word where it is ${gone} while reading ${readings + 1} is made`, async () => {
        const containers = two();
        let made = 0;
        containers.stats = async (id) => {
          if (made++ < readings) return FAKE_STATS;
          if (gone === "deleted") containers.known.delete(id);
          else containers.with(id, "stopped");
          throw new OrlopError("conflict", `Cannot read statistics of container "${id}": container not running`);
        };
        const { exitCode, stderr } = await callOci(["events", "--interval", "1ns", "first"], { containers });
        assert.deepEqual([exitCode, stderr], [0, ""]);
      });
    }
  }

  test("say why a reading of what runs on cannot be made", async () => {
    const containers = two();
    containers.stats = async () => {
      throw new OrlopError("failed", "Cannot read memory.stat: EIO");
    };
    const { exitCode, stderr } = await callOci(["events", "first"], { containers });
    assert.deepEqual([exitCode, stderr], [1, "Cannot read memory.stat: EIO\n"]);
  });

  test("need time between them", async () => {
    for (const interval of ["0", "-1s"]) {
      const { exitCode, stderr } = await callOci(["events", `--interval=${interval}`, "first"], { containers: two() });
      assert.deepEqual([exitCode, stderr], [1, "duration interval must be greater than 0\n"]);
    }
  });
});

describe("update", () => {
  const update = async (args: readonly string[], input?: string) => {
    const containers = two();
    const result = await callOci(["update", ...args, "first"], {
      containers,
      ...(input === undefined ? {} : { input }),
    });
    return { ...result, updates: containers.updates, schemata: containers.schemata };
  };

  test("takes every limit as a flag", async () => {
    const cases: readonly [flags: string, expected: object][] = [
      [
        "--memory 64m --memory-swap -1 --memory-reservation=1.5g",
        { memory: { limit: 67_108_864, swap: -1, reservation: 1_610_612_736 } },
      ],
      [
        "--cpu-share 512 --cpu-period 1000 --cpu-quota -1 --cpu-burst 0",
        { cpu: { shares: 512, period: 1000, quota: -1, burst: 0 } },
      ],
      [
        "--cpu-rt-period 5 --cpu-rt-runtime 4 --cpu-idle 1",
        { cpu: { realtimePeriod: 5, realtimeRuntime: 4, idle: 1 } },
      ],
      ["--cpuset-cpus 0-1 --cpuset-mems 0", { cpu: { cpus: "0-1", mems: "0" } }],
      ["--pids-limit -1", { pids: { limit: -1 } }],
      ["--blkio-weight 500", { blockIO: { weight: 500 } }],
      ["--kernel-memory 1m --kernel-memory-tcp 2m", { memory: { kernel: 1_048_576, kernelTCP: 2_097_152 } }],
      ["", {}],
    ];
    for (const [flags, expected] of cases) {
      const { updates, stderr } = await update(flags.split(" ").filter(Boolean));
      assert.deepEqual([stderr, updates], ["", [expected]], flags);
    }
  });

  test("takes a file or standard input, whose device rules stay what they are", async () => {
    const text = '{"memory":{"limit":9223372036854775807},"devices":[{"allow":false}]}';
    const expected = [{ memory: { limit: 9_223_372_036_854_775_807n } }];
    assert.deepEqual((await update(["--resources", "-"], text)).updates, expected);
    await withTemporaryDirectory(async (directory) => {
      writeFileSync(join(directory, "r.json"), text);
      assert.deepEqual((await update([`-r=${join(directory, "r.json")}`])).updates, expected);
    });
  });

  test("takes lines for the resource director group", async () => {
    const { schemata } = await update(["--l3-cache-schema", "L3:0=f", "--mem-bw-schema", "MB:0=20"]);
    assert.deepEqual(schemata, [{ l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20" }]);
  });

  test("refuses what it cannot do", async () => {
    const cases: readonly [args: readonly string[], words: RegExp][] = [
      [["--memory", "much"], /^invalid value for memory: "much" is no size/],
      [["--cpu-share", "1k"], /^invalid value for cpu-share: "1k" is no number/],
      [["--cpu-share", "-1"], /^Cannot decode OCI resources "cpu.shares"/],
      [["--resources", "-", "--memory", "1g"], /^Cannot use flag "--memory": --resources says all/],
      [["--resources", "/nowhere.json"], /^Cannot read resources "\/nowhere.json": no such file or directory/],
      [["--resources", "-"], /^Cannot decode OCI resources/],
    ];
    for (const [args, words] of cases) {
      const { exitCode, stderr, updates } = await update(args, "{");
      assert.deepEqual([exitCode, updates], [1, []], args.join(" "));
      assert.match(stderr, words);
    }
  });
});

test("features tell the truth about what is refused", async () => {
  const { stdout } = await callOci(["features"]);
  const { linux, ociVersionMin, ociVersionMax } = JSON.parse(stdout) as {
    readonly linux: Record<string, { readonly enabled?: boolean; readonly actions?: readonly string[] }>;
    readonly ociVersionMin: string;
    readonly ociVersionMax: string;
  };
  assert.deepEqual([ociVersionMin, ociVersionMax], ["1.0.0", "1.3.0"]);
  assert.equal(linux.selinux?.enabled, false);
  const missing = LINUX_SECCOMP_ACTIONS.filter((action) => !linux.seccomp?.actions?.includes(action));
  assert.deepEqual(missing, []);
});

describe("spec", () => {
  test("writes a config that can be used, once", async () => {
    await withTemporaryDirectory(async (cwd) => {
      assert.deepEqual(await callOci(["spec"], { cwd }), { exitCode: 0, stdout: "", stderr: "" });
      const { hostname, root } = decodeRuntimeSpec(readFileSync(join(cwd, "config.json")));
      assert.deepEqual([hostname, root], ["orlop", { path: "rootfs", readonly: true }]);
      const { exitCode, stderr } = await callOci(["spec", "--bundle", "."], { cwd });
      assert.equal(exitCode, 1);
      assert.match(stderr, /File config.json exists. Remove it first/);
      assert.match((await callOci(["spec", "-b", "nowhere"], { cwd })).stderr, /no such file or directory/);
      assert.equal((await callOci(["spec", "--file", "other.json"], { cwd })).exitCode, 0);
      assert.equal(decodeRuntimeSpec(readFileSync(join(cwd, "other.json"))).hostname, "orlop");
    });
  });

  test("needs no privileges with --rootless", async () => {
    await withTemporaryDirectory(async (cwd) => {
      await callOci(["spec", "--rootless"], { cwd });
      const { linux, mounts = [] } = decodeRuntimeSpec(readFileSync(join(cwd, "config.json")));
      const types = linux?.namespaces?.map(({ type }) => type) ?? [];
      assert.deepEqual([types.includes("user"), types.includes("network"), linux?.resources], [true, false, undefined]);
      assert.equal(linux?.uidMappings?.[0]?.hostID, process.geteuid?.());
      assert.ok(mounts.every(({ options = [] }) => options.every((option) => !option.startsWith("gid="))));
      assert.equal(mounts.find(({ destination }) => destination === "/sys")?.source, "/sys");
    });
  });
});
