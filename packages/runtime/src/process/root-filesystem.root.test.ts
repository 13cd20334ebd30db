import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { RootFilesystem } from "@orlop/core";
import { callsOf, refuseFirst } from "./faulty-program-fixture.ts";
import { withBench } from "./process-bench-fixture.ts";

/** Names that mean something to overlay's options, and one that is longer than fsconfig(2) takes. */
const NAMES: Readonly<Record<string, string>> = {
  "a colon": "a:b",
  "a comma": "a,b",
  "a backslash": "a\\b",
  "all of them and more": "a\\:b\\,c=d e\\",
  "a path that is long": join(..."abc".split("").map((letter) => letter.repeat(120))),
};

const READ_AND_WRITE = "cat /seen && echo changed >/seen && cat /seen";

suite("directories of an overlay whose paths hold", () => {
  for (const [what, name] of Object.entries(NAMES)) {
    test(`${what} are layers all the same`, (t) =>
      withBench(t, async (bench) => {
        const [layer, upper, work] = ["layer", "upper", "work"].map((part) => {
          const path = bench.path(join(name, part));
          mkdirSync(path, { recursive: true });
          return path;
        }) as [string, string, string];
        writeFileSync(join(layer, "seen"), "from a layer\n");
        const roots: readonly RootFilesystem[] = [
          { kind: "overlay", lower: [layer, bench.rootfs], writes: "discard" },
          { kind: "overlay", lower: [layer, bench.rootfs], writes: { upper, work } },
        ];
        for (const rootfs of roots) {
          const { output } = await bench.run(READ_AND_WRITE, { request: { rootfs } });
          assert.equal(output, "from a layer\nchanged\n");
        }
        assert.equal(readFileSync(join(layer, "seen"), "utf8"), "from a layer\n");
        assert.equal(readFileSync(join(upper, "seen"), "utf8"), "changed\n");
      }));

    test(`${what} are entries of a tree all the same`, (t) =>
      withBench(t, async (bench) => {
        const lower = bench.path(name);
        mkdirSync(lower, { recursive: true });
        writeFileSync(join(lower, "seen"), "from a layer\n");
        const rootfs: RootFilesystem = {
          kind: "tree",
          entries: [
            { kind: "overlay", path: "bin", lower: join(bench.rootfs, "bin") },
            { kind: "directory", path: "a", mode: 0o755 },
            { kind: "overlay", path: "a/b", lower },
          ],
        };
        const { output } = await bench.run(READ_AND_WRITE.replaceAll("/seen", "/a/b/seen"), { request: { rootfs } });
        assert.equal(output, "from a layer\nchanged\n");
      }));

    test(`${what} have their content copied up`, (t) =>
      withBench(t, async (bench) => {
        const destination = `/${name}`;
        mkdirSync(join(bench.rootfs, name), { recursive: true });
        writeFileSync(join(bench.rootfs, name, "seen"), "from below\n");
        chownSync(join(bench.rootfs, name), 1234, 77);
        const memory = { destination, type: "tmpfs", source: "a:b,c", options: ["tmpcopyup"] };
        const mounts = [...(bench.spec([]).mounts ?? []), memory];
        const { output } = await bench.run(
          'cd "$PLACE" && cat seen && echo changed >seen && cat seen && stat -c %u:%g .',
          {
            top: { mounts },
            process: { env: ["PATH=/bin", `PLACE=${destination}`] },
          },
        );
        assert.equal(output, "from below\nchanged\n1234:77\n");
      }));
  }
});

test("writes that nothing waits for are in their directory all the same, and are mounted so once", (t) =>
  withBench(t, async (bench) => {
    const [upper, work] = ["upper", "work"].map((name) => bench.path(name)) as [string, string];
    for (const path of [upper, work]) mkdirSync(path);
    const writes = { upper, work, volatile: true };
    const request = { rootfs: { kind: "overlay", lower: [bench.rootfs], writes } } as const;
    const command = "grep -o ' / / .*volatile' /proc/self/mountinfo >/dev/null && echo made >/made";
    assert.equal((await bench.run(command, { request })).exitCode, 0);
    assert.equal(readFileSync(join(upper, "made"), "utf8"), "made\n");
    await assert.rejects(bench.run("true", { request }), { name: "OrlopError", message: /Cannot overlay/ });
  }));

test("a disk in a file is the root of a container and, at the same time, of another, and keeps what is written", async (t) => {
  const obstacle = diskObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  await withBench(t, async (bench) => {
    const source = bench.path("disk");
    writeFileSync(source, "");
    truncateSync(source, 64 << 20);
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-d", bench.rootfs, source]);
    const disk: RootFilesystem = { kind: "disk", type: "ext4", source, loop: true, readonly: false, options: [] };
    const request = { rootfs: disk };
    const [first, second] = await Promise.all(
      ["a", "b"].map((name) =>
        bench.run(`echo ${name} >/${name} && grep -o '^.* / ext4 rw' /proc/mounts`, { request }),
      ),
    );
    for (const seen of [first, second]) assert.match(seen?.output ?? "", /^\/dev\/loop\d+ \/ ext4 rw\n$/);
    assert.equal((await bench.run("cat /a /b", { request })).output, "a\nb\n");
    const readonly = { rootfs: { ...disk, readonly: true } };
    assert.equal((await bench.run("cat /a; echo x >/c || echo kept", { request: readonly })).output, "a\nkept\n");
  });
});

test("a disk that is not there is told by its name", (t) =>
  withBench(t, async (bench) => {
    const request = {
      rootfs: { kind: "disk", type: "ext4", source: "/none", loop: true, readonly: false, options: [] },
    } as const;
    await assert.rejects(bench.run("true", { request }), { message: /block device of "\/none": no such file/ });
  }));

function diskObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/dev/loop-control")) return "needs loop devices";
  return spawnSync("mke2fs", ["-V"]).error === undefined ? undefined : "needs mke2fs";
}

suite("memory that takes what is written", () => {
  test("is in no container's sight, also where it cannot go with the host's root", (t) =>
    withBench(t, async (bench) => {
      const rootfs: RootFilesystem = { kind: "overlay", lower: [bench.rootfs], writes: "discard" };
      const look = async (): Promise<string> =>
        (await bench.run("echo x >/written && cut -d ' ' -f 4-6 /proc/self/mountinfo", { request: { rootfs } })).output;
      const known = await look();
      assert.match(known, /^\/ \/ rw/m);
      assert.doesNotMatch(known, / \/proc\/tty/);
      for (const call of ["openat", "move_mount"]) {
        bench.mutate = (program) => {
          const calls = callsOf(program, call, /^make a file system in memory/);
          assert.equal(calls.length, 2);
          return refuseFirst(program, calls.slice(0, 1));
        };
        assert.equal(await look(), known, call);
      }
    }));

  test("is not bound with what it would lie below", (t) =>
    withBench(t, async (bench) => {
      const rootfs: RootFilesystem = { kind: "overlay", lower: [bench.rootfs], writes: "discard" };
      mkdirSync(join(bench.rootfs, "host"));
      const bind = { destination: "/host", type: "bind", source: "/proc", options: ["rbind", "ro"] };
      const top = { mounts: [...(bench.spec([]).mounts ?? []), bind] };
      const script = "ls -A /host/tty/ldisc; cut -d ' ' -f 5 /proc/self/mountinfo";
      const { output } = await bench.run(script, { top, request: { rootfs } });
      assert.match(output, /^\/host$/m);
      assert.doesNotMatch(output, /ldisc|upper/);
    }));
});
