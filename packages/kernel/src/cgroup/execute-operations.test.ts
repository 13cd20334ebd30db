import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OrlopError } from "@orlop/core";
import { cgroupFailure, cgroupJoinFailure } from "./cgroup-failure.ts";
import type { CgroupOperation, WriteCgroupFile } from "./cgroup-plan.ts";
import { executeCgroupOperations } from "./execute-operations.ts";
import { freezeCgroup } from "./freeze-cgroup.ts";

function temporary(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "orlop-cgroup-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const BASE = { stage: "leaf", reason: "Because", field: "linux.resources.x", tolerate: [] } as const;

function write(directory: string, file: string, value: string, more: Partial<WriteCgroupFile> = {}): WriteCgroupFile {
  return { ...BASE, kind: "write", directory, file, value, fallback: undefined, ...more };
}

test("a file that does not exist is not made, and the error names field, file and value", (t) => {
  const path = temporary(t);
  assert.throws(
    () => executeCgroupOperations([write(path, "pids.max", "5")]),
    (error) => {
      assert(error instanceof OrlopError);
      assert.deepEqual([error.code, error.errno, error.field], ["unsupported", "ENOENT", "linux.resources.x"]);
      assert.match(error.message, /^Cannot write "5" to cgroup file ".*\/pids\.max": ENOENT, /);
      return true;
    },
  );
  assert(!existsSync(`${path}/pids.max`));
});

test("a tolerated errno passes, another does not", (t) => {
  const path = temporary(t);
  const tolerate = [{ errno: "ENOENT", because: "it may be missing" }];
  executeCgroupOperations([write(path, "absent", "5", { tolerate })]);
  assert.throws(() => executeCgroupOperations([write(`${path}`, ".", "5", { tolerate })]), /EISDIR/);
});

test("a fallback takes over on its errnos", (t) => {
  const path = temporary(t);
  writeFileSync(`${path}/second`, "");
  const fallback = { when: ["ENOENT"], because: "older", operations: [write(path, "second", "7")] };
  executeCgroupOperations([write(path, "first", "5", { fallback })]);
  assert.equal(readFileSync(`${path}/second`, "utf8"), "7");
});

test("a file is inherited only where the own one is empty", (t) => {
  const path = temporary(t);
  mkdirSync(`${path}/child`);
  writeFileSync(`${path}/cpus`, "0-1\n");
  writeFileSync(`${path}/child/cpus`, "\n");
  const inherit: CgroupOperation = { ...BASE, kind: "inherit", directory: `${path}/child`, from: path, file: "cpus" };
  executeCgroupOperations([inherit]);
  assert.equal(readFileSync(`${path}/child/cpus`, "utf8"), "0-1\n");
  writeFileSync(`${path}/child/cpus`, "1\n");
  executeCgroupOperations([inherit]);
  assert.equal(readFileSync(`${path}/child/cpus`, "utf8"), "1\n");
});

test("when an operation fails, the cgroups made for it go away, those for all stay", (t) => {
  const path = temporary(t);
  const mkdir = (directory: string, stage: "ancestor" | "leaf"): CgroupOperation => ({
    ...BASE,
    kind: "mkdir",
    stage,
    directory,
  });
  const operations = [
    mkdir(`${path}/all`, "ancestor"),
    mkdir(`${path}/all/one`, "leaf"),
    write(`${path}/all/one`, "x", "1"),
  ];
  assert.throws(() => executeCgroupOperations(operations), OrlopError);
  assert(existsSync(`${path}/all`) && !existsSync(`${path}/all/one`));
});

test("a limit below the present use is refused before it is set", (t) => {
  const path = temporary(t);
  writeFileSync(`${path}/memory.current`, "8192\n");
  const check = (limitBytes: bigint, memoryAndSwapBytes?: bigint): CgroupOperation => ({
    ...BASE,
    kind: "check-memory",
    directory: path,
    limitBytes,
    memoryAndSwapBytes,
  });
  executeCgroupOperations([check(8193n)]);
  assert.throws(() => executeCgroupOperations([check(8192n)]), /limit memory to .* uses 8192 bytes now/);
  assert.throws(() => executeCgroupOperations([check(4096n, 8192n)]), /limit memory and swap to "8192"/);
});

test("a device filter needs somebody who can call bpf(2)", () => {
  const attach = {
    ...BASE,
    kind: "attach-device-filter",
    directory: "/c",
    program: new Uint8Array(8),
    mode: "add",
  } as const;
  assert.throws(
    () => executeCgroupOperations([attach]),
    (error) => error instanceof OrlopError && error.code === "unsupported",
  );
  const seen: unknown[] = [];
  executeCgroupOperations([attach], { attachDeviceFilter: (operation) => seen.push(operation) });
  assert.deepEqual(seen, [attach]);
});

test("an errno is explained by what it means for that file", () => {
  const busy = cgroupFailure(write("/c", "cgroup.subtree_control", "+memory"), "EBUSY");
  assert.equal(busy.code, "conflict");
  assert.match(busy.message, /has processes of its own.*\nTry moving them/s);
  assert.match(
    cgroupFailure(write("/c", "memory.limit_in_bytes", "1"), "EBUSY").message,
    /uses more than that already/,
  );
  assert.equal(cgroupFailure(write("/c", "io.max", "8:0 rbps=1"), "ENODEV").code, "not-found");
  assert.equal(cgroupFailure(write("/c", "cpu.max", "1"), "EINVAL").code, "invalid");
  assert.equal(cgroupFailure({ ...BASE, kind: "mkdir", directory: "/c" }, "EROFS").code, "denied");
  assert.match(cgroupFailure(write("/c", "x", "1"), "EIO").message, /EIO, input\/output error$/);
  const join = { directory: "/c", file: "cgroup.procs", reason: "In" };
  assert.match(
    cgroupJoinFailure(join, "ENOSPC").message,
    /^Cannot move process into cgroup "\/c": ENOSPC, the cpuset has no CPUs/,
  );
});

test("freezing gives up when called off, and thaws", async (t) => {
  const path = temporary(t);
  writeFileSync(`${path}/cgroup.freeze`, "0");
  writeFileSync(`${path}/cgroup.events`, "populated 1\nfrozen 0\n");
  const directory = { version: 2, label: "unified", controllers: [], path, noPrefix: false } as const;
  const freezing = freezeCgroup([directory], AbortSignal.timeout(20));
  await assert.rejects(freezing, (error) => error instanceof OrlopError && error.code === "cancelled");
  assert.equal(readFileSync(`${path}/cgroup.freeze`, "utf8"), "0");
});
