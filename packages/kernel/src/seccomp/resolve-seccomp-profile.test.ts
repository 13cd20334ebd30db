import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type LinuxSeccompArch,
  OrlopError,
  type SeccompProfile,
  type SeccompProfileFilter,
  type SeccompProfileSyscall,
} from "@orlop/core";
import { resolveSeccompProfile, type SeccompProfileTarget } from "./resolve-seccomp-profile.ts";

const target: SeccompProfileTarget = {
  arch: "SCMP_ARCH_X86_64",
  capabilities: ["CAP_CHOWN", "CAP_KILL"],
  kernelVersion: "6.1.0-18-amd64",
};

const rule: SeccompProfileSyscall = { names: ["read"], action: "SCMP_ACT_ALLOW" };

function profile(...syscalls: readonly SeccompProfileSyscall[]): SeccompProfile {
  return { defaultAction: "SCMP_ACT_ERRNO", syscalls };
}

/** Whether a rule with these conditions stays. */
function stays(
  conditions: { readonly includes?: SeccompProfileFilter; readonly excludes?: SeccompProfileFilter },
  changes: Partial<SeccompProfileTarget> = {},
): boolean {
  const { syscalls = [] } = resolveSeccompProfile(profile({ ...rule, ...conditions }), { ...target, ...changes });
  return syscalls.length === 1;
}

describe("a profile's rules", () => {
  it("stay when they include what is there", () => {
    assert.ok(stays({}));
    assert.ok(stays({ includes: {} }));
    assert.ok(stays({ includes: { caps: ["CAP_CHOWN"], arches: ["arm64", "amd64"], minKernel: "6.1" } }));
    assert.ok(!stays({ includes: { arches: ["arm64"] } }));
    assert.ok(!stays({ includes: { minKernel: "6.2" } }));
  });

  it("need every capability that they include, and none that they exclude", () => {
    assert.ok(stays({ includes: { caps: ["CAP_CHOWN", "CAP_KILL"] } }));
    assert.ok(!stays({ includes: { caps: ["CAP_CHOWN", "CAP_SYS_ADMIN"] } }));
    assert.ok(!stays({ excludes: { caps: ["CAP_SYS_ADMIN", "CAP_KILL"] } }));
    assert.ok(stays({ excludes: { caps: ["CAP_SYS_ADMIN"] } }));
  });

  it("go when any exclusion holds", () => {
    assert.ok(stays({ excludes: {} }));
    assert.ok(!stays({ excludes: { arches: ["amd64"] } }));
    assert.ok(!stays({ excludes: { minKernel: "5.0" } }));
    assert.ok(stays({ excludes: { caps: ["CAP_BPF"], arches: ["arm64"], minKernel: "6.2" } }));
    assert.ok(!stays({ includes: { caps: ["CAP_KILL"] }, excludes: { caps: ["CAP_KILL"] } }));
  });

  it("know architectures by docker's names", () => {
    const names: readonly (readonly [LinuxSeccompArch, string])[] = [
      ["SCMP_ARCH_X86_64", "amd64"],
      ["SCMP_ARCH_X86", "x86"],
      ["SCMP_ARCH_X32", "x32"],
      ["SCMP_ARCH_AARCH64", "arm64"],
      ["SCMP_ARCH_ARM", "arm"],
      ["SCMP_ARCH_PPC64LE", "ppc64le"],
      ["SCMP_ARCH_S390X", "s390x"],
      ["SCMP_ARCH_MIPSEL64N32", "mipsel64n32"],
    ];
    for (const [arch, name] of names) assert.ok(stays({ includes: { arches: [name] } }, { arch }), name);
  });

  it("compare kernel versions as numbers, and only the first two", () => {
    const needs = (minKernel: string, kernelVersion: string): boolean =>
      stays({ includes: { minKernel } }, { kernelVersion });
    assert.ok(needs("4.8", "4.8.0-rc1"));
    assert.ok(needs("4.8", "4.10"));
    assert.ok(needs("4.8", "10.0.1"));
    assert.ok(!needs("4.8", "4.7.99"));
    assert.ok(!needs("4.8", "3.19-generic"));
  });

  it("lose the profile's additions and keep the rest", () => {
    const args = [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] as const;
    const made = resolveSeccompProfile(
      profile(
        { ...rule, comment: "because", args },
        { names: ["write"], action: "SCMP_ACT_ERRNO", errno: "ENXIO", errnoRet: 1, args: [] },
      ),
      target,
    );
    assert.deepEqual(made, {
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [
        { names: ["read"], action: "SCMP_ACT_ALLOW", args },
        { names: ["write"], action: "SCMP_ACT_ERRNO", errnoRet: 6 },
      ],
    });
  });
});

describe("a profile's other members", () => {
  it("go over as they are, errnos by name as numbers", () => {
    const others = {
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      listenerPath: "/run/l.sock",
      listenerMetadata: "m",
    } as const;
    const made = resolveSeccompProfile({ ...profile(), ...others, defaultErrno: "ENOSYS", defaultErrnoRet: 1 }, target);
    assert.deepEqual(made, { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, ...others, syscalls: [] });
    assert.equal(resolveSeccompProfile({ ...profile(), defaultErrnoRet: 7 }, target).defaultErrnoRet, 7);
  });

  it("give the architectures of the machine", () => {
    const archMap = [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    ] as const;
    const on = (arch: LinuxSeccompArch, more: Partial<SeccompProfile>) =>
      resolveSeccompProfile({ ...profile(), ...more }, { ...target, arch }).architectures;
    assert.deepEqual(on("SCMP_ARCH_X86_64", { archMap }), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    assert.deepEqual(on("SCMP_ARCH_AARCH64", { archMap }), ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    assert.equal(on("SCMP_ARCH_RISCV64", { archMap }), undefined);
    const architectures = ["SCMP_ARCH_NATIVE", "SCMP_ARCH_X86"] as const;
    assert.deepEqual(on("SCMP_ARCH_X86_64", { architectures }), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  });

  it("are refused where they mean nothing", () => {
    const refused = (changed: Partial<SeccompProfile>, message: RegExp, changes: Partial<SeccompProfileTarget> = {}) =>
      assert.throws(
        () => resolveSeccompProfile({ ...profile(), ...changed }, { ...target, ...changes }),
        (error) => error instanceof OrlopError && error.code === "invalid" && message.test(error.message),
      );
    const archMap = [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: [] }] as const;
    refused({ archMap, architectures: ["SCMP_ARCH_X86"] }, /either archMap or architectures/);
    refused({ defaultErrno: "ENOTHING" }, /errno "ENOTHING"/);
    refused({ syscalls: [{ ...rule, errno: "EWHAT" }] }, /errno "EWHAT"/);
    refused({ syscalls: [{ ...rule, includes: { minKernel: "new" } }] }, /kernel version "new"/);
    refused({}, /kernel release "unknown"/, { kernelVersion: "unknown" });
  });
});
