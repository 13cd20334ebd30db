import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeProcess } from "./decode-process.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { jsonWith } from "./fixtures/json-with.ts";
import { parseJson, stringifyJson } from "./json-text.ts";

const EXAMPLE = stringifyJson((parseJson(EXAMPLE_CONFIG) as { process: unknown }).process);
const FIFO = { scheduler: { policy: "SCHED_FIFO", priority: 50 } };

test("decodes a process for exec", () => {
  assert.deepEqual(decodeProcess(EXAMPLE), parseJson(EXAMPLE));
  const smallest = '{"user":{"uid":0,"gid":0},"args":["true"],"cwd":"/"}';
  assert.deepEqual(decodeProcess(smallest), JSON.parse(smallest));
  assert.deepEqual(decodeProcess('{"args":["true"],"cwd":"/"}'), JSON.parse(smallest), "nobody is root");
  assert.deepEqual(decodeProcess('{"user":{"uid":0},"args":["true"],"cwd":"/"}'), JSON.parse(smallest));
  const idle = '{"args":["true"],"cwd":"/","ioPriority":{"class":"IOPRIO_CLASS_IDLE"}}';
  assert.equal(decodeProcess(idle).ioPriority?.priority, 0);
});

test("speaks of a process, not of a config", () => {
  refused({ cwd: "." }, 'Cannot decode OCI process "cwd": found ".", expected an absolute path');
});

test("refuses ids that mean no id to the kernel", () => {
  for (const pointer of ["user/uid", "user/gid", "user/additionalGids/0"]) {
    for (const id of [-1, 4294967295, 4294967296, 1.5, "0", true]) {
      refused({ [pointer]: id }, "expected an integer from 0 to 4294967294");
    }
    decodeProcess(jsonWith(EXAMPLE, { [pointer]: 4294967294 }));
  }
  refused({ "user/umask": 0o1000 }, '"user.umask": found 512, expected an integer from 0 to 511');
});

test("refuses limits that the kernel has no name for or could not set", () => {
  refused({ "rlimits/0/type": "RLIMIT_NOFILES" }, '"rlimits[0].type": found "RLIMIT_NOFILES", expected one of');
  refused({ "rlimits/0/type": "RLIMIT_CORE" }, '"rlimits[1].type": "RLIMIT_CORE" is already in rlimits[0]');
  refused({ "rlimits/0/soft": 1025 }, '"rlimits[0].soft": found 1025, expected at most the hard limit, which is 1024');
  refused({ "rlimits/0/soft": 2n ** 64n - 1n }, '"rlimits[0].soft": found 18446744073709551615, expected at most');
  refused({ "rlimits/0/hard": -1 }, '"rlimits[0].hard": found -1, expected an integer from 0 to 18446744073709551615');
  refused({ "rlimits/0/hard": 2n ** 64n }, '"rlimits[0].hard": found');
  refused({ "rlimits/0/hard": 1.5 }, '"rlimits[0].hard": found 1.5');
  refused({ "rlimits/0/hard": undefined }, '"rlimits[0].hard": the member is required');
});

test("refuses what a scheduling policy does not take", () => {
  refused({ "scheduler/policy": "SCHED_NORMAL" }, '"scheduler.policy": found "SCHED_NORMAL", expected one of');
  refused({ "scheduler/flags/0": "X" }, '"scheduler.flags[0]": found "X", expected one of');
  refused({ "scheduler/nice": 20 }, '"scheduler.nice": found 20, and SCHED_DEADLINE takes -20 to 19');
  refused({ "scheduler/priority": 1 }, '"scheduler.priority": found 1, and SCHED_DEADLINE takes only 0');
  refused({ "scheduler/policy": "SCHED_OTHER" }, '"scheduler.runtime": found 10000000, and SCHED_OTHER takes only 0');
  decodeProcess(jsonWith(EXAMPLE, FIFO));
  refused({ ...FIFO, "scheduler/priority": 0 }, '"scheduler.priority": found 0, and SCHED_FIFO takes 1 to 99');
  refused({ ...FIFO, "scheduler/priority": 100 }, "takes 1 to 99");
  refused({ ...FIFO, "scheduler/period": 1 }, '"scheduler.period": found 1, and SCHED_FIFO takes only 0');
});

test("refuses other values outside of their ranges", () => {
  refused({ oomScoreAdj: 1001 }, '"oomScoreAdj": found 1001, expected an integer from -1000 to 1000');
  refused({ "ioPriority/class": "IOPRIO_CLASS_NONE" }, '"ioPriority.class": found "IOPRIO_CLASS_NONE"');
  refused({ "ioPriority/priority": 8 }, '"ioPriority.priority": found 8, expected an integer from 0 to 7');
  for (const cpus of ["0-", "3-1", "a", "0,,1", " 1", "0-1-2", "-1", "999999"]) {
    refused({ "execCPUAffinity/final": cpus }, `"execCPUAffinity.final": found "${cpus}", expected a list of numbers`);
  }
});

test("minds the size of a console only where there is one", () => {
  refused({ "consoleSize/width": 65536 }, '"consoleSize.width": found 65536, expected at most 65535');
  decodeProcess(jsonWith(EXAMPLE, { "consoleSize/width": 65536, terminal: false }));
});

test("leaves capability names to the runtime, which warns of unknown ones", () => {
  const { capabilities } = decodeProcess(jsonWith(EXAMPLE, { "capabilities/bounding/0": "CAP_FROM_THE_FUTURE" }));
  assert.equal(capabilities?.bounding?.[0], "CAP_FROM_THE_FUTURE");
});

test("reads -0 as 0", () => {
  const { user, rlimits } = decodeProcess(
    '{"user":{"uid":-0,"gid":0},"args":["x"],"cwd":"/","rlimits":[{"type":"RLIMIT_CPU","hard":-0,"soft":-0}]}',
  );
  assert.ok(Object.is(user.uid, 0));
  assert.ok(Object.is(rlimits?.[0]?.hard, 0));
});

function refused(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeProcess, EXAMPLE, changes, expected);
}
