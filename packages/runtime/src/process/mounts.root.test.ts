import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Mount, OrlopError } from "@orlop/core";
import { type ProcessBench, type SpecChanges, withBench } from "./process-bench-fixture.ts";

function withMounts(bench: ProcessBench, ...added: readonly Mount[]): SpecChanges {
  return { top: { mounts: [...(bench.spec([]).mounts ?? []), ...added] } };
}

suite("memory as a mount", () => {
  test("has the mode of the directory that it covers, unless another is asked for", (t) =>
    withBench(t, async (bench) => {
      for (const [name, mode] of [
        ["kept", 0o2750],
        ["asked", 0o700],
        ["readonly", 0o711],
      ] as const) {
        mkdirSync(join(bench.rootfs, name));
        chmodSync(join(bench.rootfs, name), mode);
      }
      const memory = (destination: string, ...options: readonly string[]): Mount => ({
        destination,
        type: "tmpfs",
        source: "tmpfs",
        options,
      });
      const changes = withMounts(
        bench,
        memory("/kept"),
        memory("/asked", "mode=1755"),
        memory("/readonly", "ro"),
        memory("/made"),
      );
      const { output } = await bench.run("stat -c '%n %a' /kept /asked /readonly /made; touch /readonly/x", changes);
      assert.equal(output, "/kept 2750\n/asked 1755\n/readonly 711\n/made 1777\n");
    }));
});

suite("a read-only /dev", () => {
  test("still gets a console", (t) =>
    withBench(t, async (bench) => {
      const mounts = (bench.spec([]).mounts ?? []).map((mount) =>
        mount.destination === "/dev" ? { ...mount, options: [...(mount.options ?? []), "ro"] } : mount,
      );
      const script = "stat -c %F /dev/console; touch /dev/x";
      const changes = { process: { terminal: true }, top: { mounts } };
      const { output } = await bench.run(script, changes);
      assert.match(output, /^character special file\r\n.*Read-only file system/);
    }));

  test("of a read-only root does, too", (t) =>
    withBench(t, async (bench) => {
      const own = ["/dev", "/dev/shm", "/dev/mqueue"];
      const mounts = (bench.spec([]).mounts ?? []).filter(({ destination }) => !own.includes(destination));
      mkdirSync(join(bench.rootfs, "dev/pts"), { recursive: true });
      rmSync(join(bench.rootfs, "dev/console"), { force: true });
      const top = { mounts, root: { path: bench.rootfs, readonly: true } };
      const { output } = await bench.run("stat -c %F /dev/console; touch /dev/x", { process: { terminal: true }, top });
      assert.match(output, /^character special file\r\n.*Read-only file system/);
    }));
});

suite("a bind", () => {
  test("has a mount point of its source's kind made, whatever that is when it is taken", (t) =>
    withBench(t, async (bench) => {
      writeFileSync(bench.path("file"), "");
      bench.makeDirectory("directory");
      bench.fifo("fifo");
      const bind = (name: string, destination: string): Mount => ({
        destination,
        source: bench.path(name),
        options: ["bind"],
      });
      const changes = withMounts(
        bench,
        bind("file", "/made/deep/file"),
        bind("directory", "/made/deep/directory"),
        bind("fifo", "/made/fifo"),
        bind("changes", "/made/changes"),
      );
      writeFileSync(bench.path("changes"), "");
      // Between the compiler's time and the program's.
      bench.mutate = (program) => {
        rmSync(bench.path("changes"));
        bench.makeDirectory("changes");
        return program;
      };
      const script = "cd /made; stat -c '%n %F' deep/file deep/directory fifo changes";
      const { output } = await bench.run(script, changes);
      assert.equal(output, "deep/file regular empty file\ndeep/directory directory\nfifo fifo\nchanges directory\n");
      assert.ok(statSync(join(bench.rootfs, "made/fifo")).isFile());
    }));

  test("takes its source as the host has it, not as the container's mounts show it", (t) =>
    withBench(t, async (bench) => {
      const memory = { destination: "/memory", type: "tmpfs", source: "tmpfs" };
      const inside = { destination: "/memory/made", source: bench.path("file"), options: ["bind"] };
      writeFileSync(bench.path("file"), "");
      const source = join(bench.rootfs, "memory/made");
      const changes = withMounts(bench, memory, inside, { destination: "/again", source, options: ["bind"] });
      await assert.rejects(bench.start("true", changes), (error: OrlopError) => {
        assert.deepEqual([error.code, error.errno], ["not-found", "ENOENT"]);
        assert.match(error.message, /^Cannot bind ".*\/memory\/made" to "\/again": no such file or directory/);
        return true;
      });
    }));
});
