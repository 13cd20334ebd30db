import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ErrorCode, OrlopError, type OrlopErrorOptions } from "@orlop/core";
import { callerMessage } from "./error-words.ts";

const cases: readonly [code: ErrorCode, options: OrlopErrorOptions, words: string][] = [
  ["invalid", { field: "linux.memoryPolicy.mode" }, "invalid memory policy mode"],
  ["invalid", { field: "linux.memoryPolicy.flags[1]" }, "invalid memory policy flag"],
  ["invalid", { field: "linux.memoryPolicy.nodes" }, "invalid memory policy node"],
  ["unsupported", { field: "linux.resources.unified.memory.min" }, "invalid configuration"],
  [
    "denied",
    { operation: "set scheduler SCHED_DEADLINE", errno: "EPERM", field: "process.scheduler" },
    "process scheduler can't be used together with AllowedCPUs",
  ],
  [
    "not-found",
    { operation: 'change to directory "/none"', errno: "ENOENT", field: "process.cwd" },
    'chdir to cwd ("/none") set in config.json failed',
  ],
  [
    "executable-not-found",
    { operation: 'find the interpreter of "/run.sh"', errno: "ENOENT", field: "process.args[0]" },
    "exec /run.sh: no such file or directory",
  ],
  [
    "not-found",
    { operation: 'open cgroup "/sys/fs/cgroup/a/c"', errno: "ENOENT", field: "linux.cgroupsPath" },
    "error adding pid to /sys/fs/cgroup/a/c/cgroup.procs: no such file or directory",
  ],
  [
    "not-found",
    { operation: 'open "/sys/fs/cgroup/a/b/cgroup.procs"', errno: "ENOENT", field: "linux.cgroupsPath" },
    "error adding pid to /sys/fs/cgroup/a/b/cgroup.procs: no such file or directory",
  ],
  [
    "conflict",
    { operation: "limit memory and swap", field: "linux.resources.memory.checkBeforeUpdate" },
    "rejecting memory+swap limit",
  ],
  [
    "conflict",
    { operation: "limit memory", field: "linux.resources.memory.checkBeforeUpdate" },
    "rejecting memory limit",
  ],
  [
    "failed",
    {
      operation: 'start a process in cgroup "/sys/fs/cgroup/a" to enter the container',
      errno: "EBUSY",
      field: "linux.cgroupsPath",
    },
    "error adding pid of the process to cgroups: device or resource busy",
  ],
];

describe("an error of a field for which runc has words of its own", () => {
  for (const [code, options, words] of cases) {
    test(`has them behind its first line: ${words}`, () => {
      const error = new OrlopError(code, "Cannot do it: no\nTry something else", options);
      assert.equal(callerMessage("run", error), `Cannot do it: no (${options.field}) (${words})\nTry something else`);
    });
  }

  test("is left with its field where it is about something else", () => {
    for (const [operation, errno] of [
      ["set scheduler SCHED_FIFO", "EPERM"],
      ["set scheduler SCHED_DEADLINE", "EINVAL"],
    ] as const) {
      const options = { operation, errno, field: "process.scheduler" };
      const told = callerMessage("run", new OrlopError("denied", "Cannot do it: no", options));
      assert.equal(told, "Cannot do it: no (process.scheduler)");
    }
  });

  test("has its words behind what is one line, whatever the values in it", () => {
    const error = new OrlopError("executable-not-found", 'Cannot execute "a\nb": no\nTry another', {
      field: "process.args[0]",
    });
    const told = 'Cannot execute "a\\nb": no (process.args[0]) (executable file not found in $PATH)\nTry another';
    assert.equal(callerMessage("run", error), told);
  });

  test("does not name a field twice", () => {
    const error = new OrlopError("invalid", "Cannot use hostname: no", { field: "hostname" });
    assert.equal(callerMessage("run", error), "Cannot use hostname: no");
  });
});
