import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeLinuxSeccomp, decodeSeccompProfile } from "./decode-seccomp.ts";
import { assertRefused } from "./fixtures/assert-refused.ts";
import { EXAMPLE_CONFIG } from "./fixtures/example-config.ts";
import { jsonWith } from "./fixtures/json-with.ts";
import { parseJson, stringifyJson } from "./json-text.ts";

const FILTER = stringifyJson((parseJson(EXAMPLE_CONFIG) as { linux: { seccomp: unknown } }).linux.seccomp);

/** In the shape of the profiles that docker and podman ship. */
const PROFILE = `{
  "defaultAction": "SCMP_ACT_ERRNO",
  "defaultErrnoRet": 38,
  "defaultErrno": "ENOSYS",
  "archMap": [
    { "architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { "architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null }
  ],
  "syscalls": [
    { "names": ["read"], "action": "SCMP_ACT_ALLOW", "args": null, "comment": "", "includes": {}, "excludes": {} },
    {
      "names": ["ptrace"],
      "action": "SCMP_ACT_ALLOW",
      "args": [{ "index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_NE" }],
      "includes": { "minKernel": "4.8", "caps": ["CAP_SYS_PTRACE"], "arches": ["amd64", "x32"] },
      "excludes": { "caps": ["CAP_SYS_ADMIN"] }
    },
    { "name": "bdflush", "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EPERM" }
  ]
}`;

test("decodes a bare filter", () => {
  assert.deepEqual(decodeLinuxSeccomp(FILTER), parseJson(FILTER));
});

test("refuses what no filter can do", () => {
  refusedFilter({ defaultAction: "SCMP_ACT_DENY" }, 'Cannot decode OCI seccomp filter "defaultAction": found "SCMP_');
  refusedFilter({ defaultAction: undefined }, '"defaultAction": the member is required');
  refusedFilter({ "architectures/0": "x86_64" }, '"architectures[0]": found "x86_64", expected one of');
  refusedFilter({ "flags/0": "SECCOMP_FILTER_FLAG_NEW_LISTENER" }, '"flags[0]": found "SECCOMP_FILTER_FLAG_NEW');
  refusedFilter({ "syscalls/0/names": [] }, '"syscalls[0].names": found an empty list, expected a list of at least 1');
  refusedFilter({ "syscalls/0/action": "ALLOW" }, '"syscalls[0].action": found "ALLOW", expected one of');
  refusedFilter({ "syscalls/1/args/0/op": "==" }, '"syscalls[1].args[0].op": found "==", expected one of');
  refusedFilter(
    { "syscalls/1/args/0/index": 6 },
    '"syscalls[1].args[0].index": found 6, expected an integer from 0 to 5',
  );
  refusedFilter({ "syscalls/1/args/0/value": -1 }, '"syscalls[1].args[0].value": found -1');
  refusedFilter({ listenerPath: undefined }, '"listenerMetadata": it needs listenerPath');
  refusedFilter({ listenerPath: "agent.sock" }, '"listenerPath": found "agent.sock", expected an absolute path');
});

test("refuses an errno where the action takes none", () => {
  refusedFilter({ "syscalls/0/errnoRet": 1 }, '"syscalls[0].errnoRet": the action is SCMP_ACT_ALLOW, and only');
  refusedFilter({ defaultAction: "SCMP_ACT_KILL_PROCESS" }, '"defaultErrnoRet": the action is SCMP_ACT_KILL_PROCESS');
  refusedFilter({ "syscalls/1/errnoRet": 4096 }, '"syscalls[1].errnoRet": found 4096, expected at most 4095');
  const trace = { "syscalls/1/action": "SCMP_ACT_TRACE", "syscalls/1/errnoRet": 65535 };
  decodeLinuxSeccomp(jsonWith(FILTER, trace));
  refusedFilter({ ...trace, "syscalls/1/errnoRet": 65536 }, "found 65536, expected at most 65535 for SCMP_ACT_TRACE");
});

test("decodes a profile in docker's and podman's superset", () => {
  const profile = decodeSeccompProfile(PROFILE);
  assert.deepEqual(profile.archMap?.[1], { architecture: "SCMP_ARCH_RISCV64", subArchitectures: [] });
  assert.deepEqual(profile.syscalls, [
    { names: ["read"], action: "SCMP_ACT_ALLOW", comment: "", includes: {}, excludes: {} },
    {
      names: ["ptrace"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 1, value: 2n ** 64n - 1n, op: "SCMP_CMP_NE" }],
      includes: { minKernel: "4.8", caps: ["CAP_SYS_PTRACE"], arches: ["amd64", "x32"] },
      excludes: { caps: ["CAP_SYS_ADMIN"] },
    },
    { names: ["bdflush"], action: "SCMP_ACT_ERRNO", errnoRet: 1, errno: "EPERM" },
  ]);
});

test("decodes the profile that podman installs", (t) => {
  const path = "/usr/share/containers/seccomp.json";
  if (!existsSync(path)) return t.skip("needs containers-common of Debian");
  assert.ok((decodeSeccompProfile(readFileSync(path)).syscalls?.length ?? 0) > 10);
});

test("refuses profiles that contradict themselves", () => {
  refusedProfile({ architectures: ["SCMP_ARCH_X86_64"] }, '"archMap": a profile has either archMap or architectures');
  refusedProfile({ "syscalls/0/name": "write" }, '"syscalls[0].name": a rule has either name or names');
  refusedProfile({ "syscalls/2/name": 1 }, '"syscalls[2].name": found 1, expected a string');
  refusedProfile({ "syscalls/2/name": undefined }, '"syscalls[2].names": the member is required');
  refusedProfile({ "syscalls/2/errno": "1" }, '"syscalls[2].errno": found "1", expected the name of an errno');
  refusedProfile({ "syscalls/0/errno": "EPERM" }, '"syscalls[0].errno": the action is SCMP_ACT_ALLOW');
  refusedProfile({ defaultAction: "SCMP_ACT_LOG", defaultErrnoRet: undefined }, '"defaultErrno": the action is');
  for (const version of ["4", "4.8.1", "v4.8", "04.8", "4.8-rc1", ""]) {
    refusedProfile({ "syscalls/1/includes/minKernel": version }, `minKernel": found "${version}", expected a kernel`);
  }
});

test("refuses an empty profile, which docker reads as no filter", () => {
  assert.throws(
    () => decodeSeccompProfile("{}"),
    /Cannot decode seccomp profile "defaultAction": the member is required/,
  );
});

function refusedFilter(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeLinuxSeccomp, FILTER, changes, expected);
}

function refusedProfile(changes: Readonly<Record<string, unknown>>, expected: string): void {
  assertRefused(decodeSeccompProfile, PROFILE, changes, expected);
}
