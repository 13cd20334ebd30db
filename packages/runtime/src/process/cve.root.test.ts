import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { decodeRuntimeSpec, type Mount, type OrlopError, type RootFilesystem } from "@orlop/core";
import type { Program } from "@orlop/kernel";
import { runtimeSpecText } from "@orlop/testkit";
import { callsOf, instructionsOf, openCarelessly, resolveCarelessly, without } from "./faulty-program-fixture.ts";
import { spawnMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, rootObstacle, type SpecChanges, withBench } from "./process-bench-fixture.ts";

function withMounts(bench: ProcessBench, ...added: readonly Mount[]): SpecChanges {
  return { top: { mounts: [...(bench.spec([]).mounts ?? []), ...added] } };
}

function withoutMounts(bench: ProcessBench, ...destinations: readonly string[]): SpecChanges {
  return {
    top: { mounts: (bench.spec([]).mounts ?? []).filter((mount) => !destinations.includes(mount.destination)) },
  };
}

function replaceByLink(bench: ProcessBench, path: string, target: string): void {
  rmSync(join(bench.rootfs, path), { recursive: true, force: true });
  symlinkSync(target, join(bench.rootfs, path));
}

/** The error of what must fail; undefined when it does not. */
async function errorOf(attempt: Promise<unknown>): Promise<OrlopError | undefined> {
  return bounded(
    "the attempt",
    attempt.then(
      () => undefined,
      (error: OrlopError) => error,
    ),
  );
}

/** Runs `attack` with programs from which a protection was taken: it must succeed then, or the test proves nothing. */
async function unprotected<T>(
  bench: ProcessBench,
  mutate: (program: Program) => Program,
  attack: () => Promise<T>,
): Promise<T> {
  bench.mutate = mutate;
  try {
    return await attack();
  } finally {
    bench.mutate = (program) => program;
  }
}

suite("CVE-2019-5736: the runtime's executable", () => {
  test("cannot be written by a container that sees it, as its pid 1 or as what it is told to execute", (t) =>
    withBench(t, async (bench) => {
      const attack = [
        "for f in /proc/1/exe /proc/self/exe; do (echo overwritten >$f) 2>/dev/null && echo wrote $f; done",
        "readlink /proc/1/exe",
      ].join("; ");
      const names = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"];
      const capabilities = { bounding: names, effective: names, permitted: names };
      const { output, exitCode } = await bench.run(attack, { process: { capabilities }, request: { init: true } });
      assert.deepEqual([exitCode, output], [0, "/memfd:orlop-machine (deleted)\n"]);
      // As what it is told to execute the machine finds no program, and leaves.
      writeFileSync(join(bench.rootfs, "script"), "#!/proc/self/exe\n", { mode: 0o755 });
      for (const program of ["/proc/self/exe", "/script"]) {
        assert.equal((await bench.run("", { process: { args: [program] } })).exitCode, 254, program);
      }
      assert.equal((await bench.run("exit 3")).exitCode, 3, "a container after the attack");
    }));

  test("is never Node's, for any process of a container", (t) =>
    withBench(t, async (bench) => {
      const names = ["CAP_SYS_PTRACE"];
      const capabilities = { bounding: names, effective: names, permitted: names };
      const list = "for p in /proc/[0-9]*; do readlink $p/exe; done | sort | uniq";
      const { output } = await bench.run(list, { process: { capabilities }, request: { init: true } });
      assert.equal(output, "/bin/busybox\n/memfd:orlop-machine (deleted)\n");
    }));
});

suite("CVE-2024-21626: a leaked descriptor as working directory", () => {
  const descriptors = [...Array(18).keys()].map((index) => index + 3);
  const list = "/bin/busybox ls /proc/self/cwd/";
  const careless = (program: Program): Program =>
    without(program, instructionsOf(program, /^change to directory/, "fail"));

  const rootOf = ({ rootfs }: ProcessBench): string => `${readdirSync(rootfs).sort().join("\n")}\n`;

  /** What each descriptor that leads out of the root shows, as the working directory of a container. */
  async function inContainers(bench: ProcessBench, viaLink: boolean): Promise<readonly string[]> {
    const found: string[] = [];
    for (const descriptor of descriptors) {
      const target = `/proc/self/fd/${descriptor}`;
      if (viaLink) replaceByLink(bench, "work", target);
      const request = bench.request(list, { process: { cwd: viaLink ? "/work" : target } });
      const error = await errorOf(bench.runtime.run(request).then(() => bench.runtime.wait(request.id)));
      await bench.runtime.delete(request.id, { force: true });
      if (error !== undefined) assert.match(error.message, /^Cannot (change to|make) directory /);
      // The root itself is a descriptor, too, and no way out; nor are masks, which are empty and lie within it (before Linux 6.15).
      else if (!["", rootOf(bench)].includes(bench.output(request.id))) found.push(bench.output(request.id));
    }
    return found;
  }

  async function inExecs(bench: ProcessBench, id: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const descriptor of descriptors) {
      const execId = `${id}-${performance.now()}`;
      const request = bench.execRequest(id, execId, list, { cwd: `/proc/self/fd/${descriptor}` });
      const error = await errorOf(bench.runtime.exec(request).then(() => bench.runtime.wait(id, { execId })));
      if (error === undefined) found.push(bench.output(execId));
      else assert.match(error.message, /^Cannot change to directory /);
    }
    return found;
  }

  for (const viaLink of [false, true]) {
    test(`is refused${viaLink ? " behind a link of the image" : ""}, and would show the host's files`, (t) =>
      withBench(t, async (bench) => {
        assert.deepEqual(await inContainers(bench, viaLink), []);
        const shown = await unprotected(bench, careless, () => inContainers(bench, viaLink));
        assert.ok(shown.join().includes("container.json"), `without the check: ${JSON.stringify(shown)}`);
      }));
  }

  test("is not even there: what was opened without care is closed, and would stay open", (t) =>
    withBench(t, async (bench) => {
      const list = "for f in /proc/$$/fd/*; do echo $(basename $f) $(readlink $f); done";
      const opened = async (): Promise<readonly string[]> =>
        (await bench.run(list)).output.split("\n").filter((line) => /^\d/.test(line) && !/^[012] |pipe:/.test(line));
      const careful = await unprotected(bench, openCarelessly, opened);
      assert.deepEqual(careful, []);
      const closing = (program: Program): readonly number[] =>
        callsOf(program, "close_range", /^close what the program must not inherit/);
      const both = (program: Program): Program => openCarelessly(without(program, closing(program)));
      const left = await unprotected(bench, both, opened);
      assert.notDeepEqual(left, [], "without the protection");
    }));

  test("is refused to an exec, and would show the host's files", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      assert.deepEqual(await inExecs(bench, id), []);
      const shown = await unprotected(bench, careless, () => inExecs(bench, id));
      assert.ok(shown.join().includes("control"), `without the check: ${JSON.stringify(shown)}`);
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("CVE-2023-28642, CVE-2026-41579, CVE-2026-47766: /proc, /sys and /dev that are links", () => {
  test("are refused, and would put those file systems elsewhere", (t) =>
    withBench(t, async (bench) => {
      mkdirSync(join(bench.rootfs, "elsewhere"));
      for (const name of ["proc", "sys", "dev"]) {
        replaceByLink(bench, name, "elsewhere");
        const create = async (): Promise<OrlopError | undefined> => {
          const request = bench.request("true");
          const error = await errorOf(bench.runtime.create(request));
          await bench.runtime.delete(request.id, { force: true });
          return error;
        };
        assert.equal((await create())?.errno, "ELOOP", name);
        assert.equal(await unprotected(bench, resolveCarelessly, create), undefined, name);
        rmSync(join(bench.rootfs, name));
        mkdirSync(join(bench.rootfs, name));
      }
    }));

  test("are refused however the config writes their place", (t) =>
    withBench(t, async (bench) => {
      mkdirSync(join(bench.rootfs, "elsewhere"));
      for (const [name, ...spellings] of [
        ["proc", "proc", "/./proc", "//proc/", "/x/../proc", "../proc/."],
        ["sys", "sys", "/proc/../sys"],
        ["dev", "dev", "/dev/."],
      ] as const) {
        replaceByLink(bench, name, "elsewhere");
        for (const destination of spellings) {
          const mounts = (bench.spec([]).mounts ?? [])
            .filter((mount) => mount.destination === `/${name}`)
            .map((mount) => ({ ...mount, destination }));
          assert.equal(mounts.length, 1);
          const attack = () => errorOf(bench.run("true", { top: { mounts } }));
          assert.equal((await attack())?.errno, "ELOOP", destination);
          assert.equal(await unprotected(bench, resolveCarelessly, attack), undefined, destination);
        }
        rmSync(join(bench.rootfs, name));
        mkdirSync(join(bench.rootfs, name));
      }
    }));
});

/** Exchanges a directory with a link, as fast as it can: renameat2(2) with RENAME_EXCHANGE. */
const SWAPPER = `
import ctypes, sys
rename = ctypes.CDLL(None, use_errno=True).renameat2
a, b = sys.argv[1].encode(), sys.argv[2].encode()
print("swapping", flush=True)
while rename(-100, a, -100, b, 2) == 0:
    pass
`;

async function startSwapper(one: string, other: string): Promise<ChildProcess & AsyncDisposable> {
  const child = spawn("python3", ["-c", SWAPPER, one, other], { stdio: ["ignore", "pipe", "inherit"] });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  if (child.stdout !== null) await bounded("the swapper", once(child.stdout, "data"));
  return Object.assign(child, { [Symbol.asyncDispose]: end });
}

suite("CVE-2019-18837, CVE-2021-30465, CVE-2024-45310: a mount point that becomes a link while it is looked at", () => {
  /** A container with a mount below `vol/x`; true when its mount is where the container sees it. */
  async function mountBelow(bench: ProcessBench, round: number): Promise<boolean | undefined> {
    const destination = `/vol/x/made-${round}`;
    const changes = withMounts(bench, { destination, type: "tmpfs", source: "tmpfs" });
    const request = bench.request("grep -c ' /[^ ]*made-[0-9]* ' /proc/self/mountinfo", changes);
    const error = await errorOf(bench.runtime.run(request).then(() => bench.runtime.wait(request.id)));
    await bench.runtime.delete(request.id, { force: true });
    if (error === undefined) return bench.output(request.id) === "1\n";
    assert.ok(["ELOOP", "ENOENT", "ENOTDIR", "EXDEV", "EAGAIN"].includes(error.errno ?? ""), error.message);
    return undefined;
  }

  test("never leads out of the root, and would make directories on the host", (t) =>
    withBench(t, async (bench) => {
      const outside = bench.makeDirectory("outside");
      const volume = join(bench.rootfs, "vol");
      mkdirSync(join(volume, "x"), { recursive: true });
      symlinkSync(outside, join(volume, "y"));
      await using _ = await startSwapper(join(volume, "x"), join(volume, "y"));
      let made = 0;
      for (let round = 0; round < 60; round++) {
        const inside = await mountBelow(bench, round);
        assert.notEqual(inside, false, "the mount went elsewhere");
        if (inside === true) made++;
        assert.deepEqual(readdirSync(outside), []);
      }
      t.diagnostic(`${made} of 60 containers found a directory in time`);
      await unprotected(bench, resolveCarelessly, async () => {
        for (let round = 100; round < 160 && readdirSync(outside).length === 0; round++) {
          await mountBelow(bench, round).catch(() => {});
        }
      });
      assert.notDeepEqual(readdirSync(outside), [], "without the protection");
    }));
});

suite("CVE-2025-24965: a link in the place of what the runtime makes in the root", () => {
  const made: Readonly<Record<string, (bench: ProcessBench) => SpecChanges>> = {
    conf: (bench) => withMounts(bench, { destination: "/conf/made", source: "/etc/hosts", options: ["bind"] }),
    node: () => ({ linux: { devices: [{ type: "c", path: "/node/made", major: 1, minor: 3 }] } }),
    directory: () => ({ process: { cwd: "/directory/made" } }),
    mountpoint: (bench) => withMounts(bench, { destination: "/mountpoint/made", type: "tmpfs", source: "tmpfs" }),
  };

  test("has it made inside, and would have it made on the host", (t) =>
    withBench(t, async (bench) => {
      for (const [name, changesOf] of Object.entries(made)) {
        const outside = bench.makeDirectory(`outside-${name}`);
        const inside = join(bench.rootfs, outside);
        mkdirSync(inside, { recursive: true });
        replaceByLink(bench, name, outside);
        const attack = () => errorOf(bench.run("true", changesOf(bench)));
        assert.equal(await attack(), undefined, name);
        assert.deepEqual([readdirSync(outside), readdirSync(inside)], [[], ["made"]], name);
        rmSync(inside, { recursive: true });
        await unprotected(bench, resolveCarelessly, attack);
        assert.deepEqual(readdirSync(outside), ["made"], `${name}, without the protection`);
      }
    }));

  test("has a file made inside also where the link is its own", (t) =>
    withBench(t, async (bench) => {
      const outside = bench.makeDirectory("outside");
      const inside = join(bench.rootfs, outside);
      mkdirSync(inside, { recursive: true });
      // crun's own name.
      replaceByLink(bench, ".krun_config.json", join(outside, "made"));
      const mount = { destination: "/.krun_config.json", source: "/etc/hosts", options: ["bind"] };
      assert.equal(await errorOf(bench.run("true", withMounts(bench, mount))), undefined);
      assert.deepEqual([readdirSync(outside), readdirSync(inside)], [[], ["made"]]);
    }));
});

suite("CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2025-52881: a procfs that is none", () => {
  /** A directory that looks like procfs to whoever only looks for names. */
  function fakeProc(bench: ProcessBench): string {
    const fake = bench.makeDirectory("fake");
    for (const path of ["self", "1", "sys/net/ipv4"]) mkdirSync(join(fake, path), { recursive: true });
    for (const path of ["self/oom_score_adj", "sys/net/ipv4/ip_forward"])
      writeFileSync(join(fake, path), "untouched\n");
    return fake;
  }

  test("gets nothing of what is meant for the kernel", (t) =>
    withBench(t, async (bench) => {
      const fake = fakeProc(bench);
      const proc = { destination: "/proc", source: fake, options: ["bind"] };
      const mounts = (bench.spec([]).mounts ?? []).map((mount) => (mount.destination === "/proc" ? proc : mount));
      const linux = { sysctl: { "net.ipv4.ip_forward": "1" } };
      const request = bench.request("sleep 1000", { top: { mounts }, process: { oomScoreAdj: 321 }, linux });
      const error = await errorOf(bench.runtime.run(request));
      if (error === undefined) {
        const { pid } = await bench.runtime.state(request.id);
        assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"), "321\n");
        await bench.runtime.delete(request.id, { force: true });
      } else {
        assert.match(error.message, /^Cannot bind ".*" .*"\/proc"/);
      }
      for (const path of ["self/oom_score_adj", "sys/net/ipv4/ip_forward"]) {
        assert.equal(readFileSync(join(fake, path), "utf8"), "untouched\n", path);
      }
    }));

  test("put over a file of the caller's own /proc gets nothing, and keeps nothing from the kernel", async (t) => {
    const obstacle = rootObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(t, async (bench) => {
      const fake = join(fakeProc(bench), "sys/net/ipv4/ip_forward");
      const linux = { sysctl: { "net.ipv4.ip_forward": "1" } };
      const request = bench.request("cat /proc/sys/net/ipv4/ip_forward; echo said; sleep 1000", { linux });
      const orders = { root: bench.stateDirectory, requests: [request], upTo: "run" } as const;
      const cover = 'mount --bind "$0" /proc/sys/net/ipv4/ip_forward && exec "$@"';
      await using _ = await spawnMaker(orders, ["unshare", "--mount", "sh", "-c", cover, fake]);
      await bench.outputHas(request.id, "said");
      assert.equal(bench.output(request.id), "1\nsaid\n");
      assert.equal(readFileSync(fake, "utf8"), "untouched\n");
      await bench.runtime.delete(request.id, { force: true });
    });
  });

  test("put over /proc later gets nothing from an exec", (t) =>
    withBench(t, async (bench) => {
      const names = ["CAP_SYS_ADMIN"];
      const capabilities = { bounding: names, effective: names, permitted: names };
      const script =
        "mkdir -p /fake/self; echo untouched >/fake/self/oom_score_adj; mount -o bind /fake /proc; echo ready; sleep 1000";
      const id = await bench.start(script, { process: { capabilities } });
      await bench.outputHas(id, "ready");
      const fake = join(bench.rootfs, "fake/self/oom_score_adj");
      await bench.runtime.exec(bench.execRequest(id, "e", "sleep 1000", { oomScoreAdj: 234 }));
      const scores = (await bench.runtime.pids(id)).map((pid) => readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
      assert.ok(scores.includes("234\n"), JSON.stringify(scores));
      assert.equal(readFileSync(fake, "utf8"), "untouched\n");
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("CVE-2025-31133: a null device that is none", () => {
  test("of the image is not what masks files", (t) =>
    withBench(t, async (bench) => {
      for (const name of ["secret", "public"]) writeFileSync(join(bench.rootfs, name), `${name}\n`);
      const dev = bench.makeDirectory("dev");
      symlinkSync("/public", join(dev, "null"));
      const own = ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"];
      const mounts = (bench.spec([]).mounts ?? []).filter(({ destination }) => !own.includes(destination));
      const top = { mounts: [...mounts, { destination: "/dev", source: dev, options: ["bind"] }] };
      const script = "cat /dev/null; stat -c '%F %t:%T' /secret; cat /secret";
      const { output } = await bench.run(script, { top, linux: { maskedPaths: ["/secret"] } });
      assert.equal(output, "public\ncharacter special file 1:3\n");
    }));

  test("of the host would be refused", (t) =>
    withBench(t, async (bench) => {
      // As if it were another device: the branch that the right numbers take leads nowhere.
      const other = (program: Program): Program =>
        without(program, instructionsOf(program, /^take "\/dev\/null" to mask/, "branch"));
      const error = await unprotected(bench, other, () => errorOf(bench.start("true")));
      assert.deepEqual([error?.errno, error?.operation], ["ENODEV", 'take "/dev/null" to mask files with']);
    }));
});

suite("CVE-2025-52565: a terminal of the image's making", () => {
  for (const [title, make] of [
    ["a file", (path: string) => writeFileSync(path, "")],
    ["a link to another device", (path: string) => symlinkSync("/dev/zero", path)],
    ["a link to a file of procfs", (path: string) => symlinkSync("/proc/sys/kernel/hostname", path)],
  ] as const) {
    test(`is refused when its ptmx is ${title}`, (t) =>
      withBench(t, async (bench) => {
        mkdirSync(join(bench.rootfs, "dev/pts"), { recursive: true });
        make(join(bench.rootfs, "dev/pts/ptmx"));
        const changes = withoutMounts(bench, "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue");
        const error = await errorOf(
          bench.runtime.create(bench.request("true", { ...changes, process: { terminal: true } })),
        );
        assert.deepEqual([error?.field, error?.errno], ["process.terminal", "ENODEV"], String(error));
      }));
  }

  test("is not mounted outside the root when /dev/console is a link", (t) =>
    withBench(t, async (bench) => {
      const outside = bench.path("outside");
      writeFileSync(outside, "");
      mkdirSync(join(bench.rootfs, "dev/pts"), { recursive: true });
      replaceByLink(bench, "dev/console", outside);
      const changes = withoutMounts(bench, "/dev", "/dev/shm", "/dev/mqueue");
      const request = bench.request("true", { ...changes, process: { terminal: true } });
      const error = await errorOf(bench.runtime.create(request));
      assert.ok(error === undefined || ["ENOENT", "ELOOP"].includes(error.errno ?? ""), String(error));
      await bench.runtime.delete(request.id, { force: true });
      assert.equal(readFileSync(outside, "utf8"), "");
    }));
});

suite("CVE-2022-27650, CVE-2022-29162: inheritable capabilities", () => {
  const none = "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n";
  const show = "grep -E '^Cap(Inh|Amb)' /proc/$$/status";

  test("are none, in a container and in an exec, also when the runtime's caller has all", async (t) => {
    const obstacle = rootObstacle();
    if (obstacle !== undefined) return t.skip(obstacle);
    await withBench(t, async (bench) => {
      const request = bench.request(`${show}; sleep 1000`);
      const orders = { root: bench.stateDirectory, requests: [request], upTo: "run" } as const;
      await using _ = await spawnMaker(orders, [
        "setpriv",
        "--inh-caps=+chown,+net_raw",
        "--ambient-caps=+chown,+net_raw",
      ]);
      await bench.outputHas(request.id, "CapAmb");
      assert.equal(bench.output(request.id), none);
      assert.equal(await bench.exec(request.id, "e", show), none);
      await bench.runtime.delete(request.id, { force: true });
    });
  });
});

suite("CVE-2026-30892: user and group ids", () => {
  const NO_ID = 2 ** 32 - 1;

  test("that mean no id or leave root what it is are refused by the decoder and by the runtime", (t) =>
    withBench(t, async (bench) => {
      for (const uid of [-1, NO_ID, 2 ** 32, 1.5, "0", null]) {
        const spec = bench.spec(["true"]);
        const text = runtimeSpecText({ ...spec, process: { ...spec.process, user: { uid, gid: 0 } } } as typeof spec);
        assert.throws(() => decodeRuntimeSpec(Buffer.from(text)), { code: "invalid" }, String(uid));
      }
      for (const user of [
        { uid: NO_ID, gid: 0 },
        { uid: 0, gid: NO_ID },
        { uid: 1000, gid: 1000, additionalGids: [NO_ID] },
      ]) {
        const error = await errorOf(bench.start("id -u", { process: { user } }));
        assert.equal(error?.code, "invalid", JSON.stringify(user));
      }
    }));
});

suite('CVE-2023-25809, and "/.." above the root', () => {
  test("a user namespace's container cannot write to cgroups of the host", (t) =>
    withBench(t, async (bench) => {
      const cgroup = {
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
      };
      // To whoever is the host's root the files themselves forbid nothing: there it is the mount alone that does.
      for (const [own, hostID] of [
        [true, 100_000],
        [false, 100_000],
        [true, 0],
        [false, 0],
      ] as const) {
        const ids = [{ containerID: 0, hostID, size: 65_536 }];
        const namespaces = (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => own || type !== "cgroup");
        const linux = { namespaces: [...namespaces, { type: "user" } as const], uidMappings: ids, gidMappings: ids };
        const script = [
          "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/made 2>/dev/null && echo made in $d; done",
          "for f in $(ls -d /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/*/cgroup.procs 2>/dev/null); do (echo 0 >$f) 2>/dev/null && echo wrote $f; done",
          "echo tried",
        ].join("; ");
        const rootfs: RootFilesystem = { kind: "overlay", lower: [bench.rootfs], writes: "discard" };
        const { output } = await bench.run(script, {
          linux,
          top: withMounts(bench, cgroup).top ?? {},
          request: { rootfs },
        });
        assert.equal(output, "tried\n", `${own ? "its own" : "the host's"} cgroup namespace, root is ${hostID}`);
      }
    }));

  const roots: Readonly<Record<string, (bench: ProcessBench) => RootFilesystem>> = {
    directory: (bench) => ({ kind: "directory", path: bench.rootfs }),
    overlay: (bench) => ({ kind: "overlay", lower: [bench.rootfs], writes: "discard" }),
    tree: (bench) => ({
      kind: "tree",
      entries: [
        ...["proc", "dev", "sys", "tmp"].map((path) => ({ kind: "directory", path, mode: 0o755 }) as const),
        { kind: "overlay", path: "bin", lower: join(bench.rootfs, "bin") },
      ],
    }),
  };
  for (const [kind, make] of Object.entries(roots)) {
    test(`leads nowhere from a ${kind}, and a root that something is left above is refused`, (t) =>
      withBench(t, async (bench) => {
        const look = "{ /bin/busybox ls /../../..; cd /; cd ..; /bin/busybox ls; } | grep -cE '^(boot|lib64|usr)$'";
        const rootfs = make(bench);
        const { output } = await bench.run(look, { request: { rootfs } });
        assert.equal(output, "0\n");
        // The unmount behind the pivot takes the old root away.
        const kept = (program: Program): Program =>
          without(program, instructionsOf(program, /^change into the root file system/, "syscall").slice(2, 3));
        const error = await unprotected(bench, kept, () => errorOf(bench.start("true", { request: { rootfs } })));
        assert.deepEqual([error?.errno, error?.operation], ["EXDEV", "prove that nothing is above the root"]);
        const careless = (program: Program): Program =>
          without(kept(program), instructionsOf(program, /^prove that nothing is above the root/, "fail"));
        const attack = () => bench.run(look, { request: { rootfs } });
        assert.notEqual((await unprotected(bench, careless, attack)).output, "0\n", "without the protections");
      }));
  }
});
