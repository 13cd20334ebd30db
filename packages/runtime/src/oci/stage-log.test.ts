import assert from "node:assert/strict";
import { test } from "node:test";
import { StageLog } from "./stage-log.ts";

test("the debug log tells the stages of a process, with runc's names for them", () => {
  const lines: string[] = [];
  const stages = new StageLog((text) => lines.push(text), 'process in container "a"');
  stages.compiled(undefined);
  stages.compiled(4);
  stages.sent({ initial: "1,64" });
  stages.created(7);
  stages.ready();
  stages.executed();
  assert.deepEqual(lines, [
    "seccomp filter flags: 4",
    'process in container "a" is being made by a program of system calls (nsexec container setup)',
    'process in container "a" begins on CPUs 1,64 (nsexec: affinity: 0x10000000000000002)',
    'process in container "a" is process 7 (child process in init())',
    'process in container "a" is ready to start (init: closing the pipe to signal completion)',
    'process in container "a" executes its program (setns_init: about to exec)',
  ]);
});
