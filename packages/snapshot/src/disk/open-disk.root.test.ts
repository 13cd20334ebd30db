import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { DiskMount } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { blockfileObstacle } from "../blockfile/blockfile-fixture.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { openDisk } from "./open-disk.ts";

const system = new SystemCalls();
after(() => system[Symbol.dispose]());

/** The loop devices of a file. */
function devicesOf(path: string): readonly string[] {
  return readdirSync("/sys/block").filter((name) => {
    const file = join("/sys/block", name, "loop/backing_file");
    return existsSync(file) && readFileSync(file, "utf8").trim() === path;
  });
}

/** The kernel may let one go a little after the last that had it. */
async function checkGone(path: string): Promise<void> {
  for (let left = 500; left > 0 && devicesOf(path).length > 0; left--) await sleep(10);
  assert.deepEqual(devicesOf(path), []);
}

function withDisk(check: (disk: DiskMount) => Promise<void>): Promise<void> {
  return withTemporaryDirectory(async (directory) => {
    const source = join(directory, "disk");
    writeFileSync(source, "");
    truncateSync(source, 32 << 20);
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", source]);
    await check({ type: "ext4", source, loop: true, readonly: false, options: [] });
    await checkGone(source);
  });
}

suite("a disk that is open", { skip: blockfileObstacle() ?? false }, () => {
  test("is one file system for all that open it, and its device goes with the last of them", () =>
    withDisk(async (disk) => {
      using other = new SystemCalls();
      {
        using first = await openDisk(system, disk);
        writeFileSync(join(first.path, "f"), "written");
        {
          using second = await openDisk(other, disk);
          assert.equal(readFileSync(join(second.path, "f"), "utf8"), "written");
          assert.equal(devicesOf(disk.source).length, 1);
        }
        assert.equal(devicesOf(disk.source).length, 1);
        assert.equal(readFileSync(join(first.path, "f"), "utf8"), "written");
      }
      await checkGone(disk.source);
      using again = await openDisk(system, { ...disk, readonly: true });
      assert.equal(readFileSync(join(again.path, "f"), "utf8"), "written");
      assert.throws(() => writeFileSync(join(again.path, "f"), ""), { code: "EROFS" });
    }));

  test("is the same for many that open it at once", () =>
    withDisk(async (disk) => {
      using stack = new DisposableStack();
      const open = await Promise.all(Array.from({ length: 12 }, () => openDisk(system, disk)));
      for (const each of open) stack.use(each);
      assert.equal(devicesOf(disk.source).length, 1);
      writeFileSync(join(open[0]?.path ?? "", "f"), "one");
      for (const { path } of open) assert.equal(readFileSync(join(path, "f"), "utf8"), "one");
    }));

  test("is mounted nowhere that anybody sees", () =>
    withDisk(async (disk) => {
      using _open = await openDisk(system, disk);
      const [device = "none"] = devicesOf(disk.source);
      assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(`/dev/${device} `));
    }));

  test("goes with a process that is killed", () =>
    withDisk(async (disk) => {
      const script = `
        import { openDisk } from ${JSON.stringify(new URL("./open-disk.ts", import.meta.url).href)};
        import { SystemCalls } from ${JSON.stringify(new URL("../system/system-calls.ts", import.meta.url).href)};
        await openDisk(new SystemCalls(), ${JSON.stringify(disk)});
        console.log("open");
        setInterval(() => {}, 1000);
      `;
      const args = ["-C", "source", "--input-type=module", "-e", script];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      assert.equal(devicesOf(disk.source).length, 1);
      child.kill("SIGKILL");
      await once(child, "exit");
    }));

  test("says what is in the way", () =>
    withTemporaryDirectory(async (directory) => {
      const source = join(directory, "disk");
      const disk = { type: "ext4", source, loop: true, readonly: false, options: [] };
      await assert.rejects(openDisk(system, disk), { message: /make a block device of ".*": no such file/ });
      writeFileSync(source, Buffer.alloc(1 << 20));
      await assert.rejects(openDisk(system, disk), {
        message: /mount ext4 of ".*": invalid argument/,
        errno: "EINVAL",
      });
      await checkGone(source);
    }));
});
