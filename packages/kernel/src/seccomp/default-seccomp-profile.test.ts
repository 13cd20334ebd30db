import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { decodeSeccompProfile, type LinuxSeccomp, type LinuxSeccompArch } from "@orlop/core";
import { syscallId, syscallNames } from "../abi/syscall-numbers/syscall-numbers.ts";
import { PROFILE_DIFFERENCES } from "./default-profile-differences.ts";
import { DEFAULT_SECCOMP_PROFILE, defaultSeccompProfile } from "./default-seccomp-profile.ts";
import { resolveSeccompProfile } from "./resolve-seccomp-profile.ts";

const kernelVersion = "6.18.0";

const arches: readonly LinuxSeccompArch[] = [
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X86",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_S390X",
];

/** Every capability that some rule of some profile asks for, one by one, none and all. */
const capabilities = [
  "CAP_AUDIT_WRITE",
  "CAP_BPF",
  "CAP_DAC_READ_SEARCH",
  "CAP_PERFMON",
  "CAP_SYSLOG",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_CHROOT",
  "CAP_SYS_MODULE",
  "CAP_SYS_NICE",
  "CAP_SYS_PACCT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
];
const capabilitySets = [[], ...capabilities.map((each) => [each]), capabilities];

/** For each call what lets it through, or which errno it gets that is not the default one. */
function effects({ syscalls = [] }: LinuxSeccomp): ReadonlyMap<string, string> {
  const found = new Map<string, Set<string>>(syscallNames().map((name) => [name, new Set()]));
  for (const { names, action, errnoRet, args = [] } of syscalls) {
    const conditions = args.map(({ index, op, value, valueTwo = 0 }) => `${index} ${op} ${value} ${valueTwo}`).sort();
    for (const name of names) found.get(name)?.add([action, errnoRet ?? "", ...conditions].join(" "));
  }
  return new Map([...found].map(([name, rules]) => [name, [...rules].sort().join("; ")]));
}

function allowedOnly(text: string): string {
  return text
    .split("; ")
    .filter((rule) => rule.startsWith("SCMP_ACT_ALLOW"))
    .join("; ");
}

describe("the default profile", () => {
  it("names only calls that exist", () => {
    const unknown = (DEFAULT_SECCOMP_PROFILE.syscalls ?? []).flatMap(({ names }) =>
      names.filter((name) => syscallId(name) === undefined),
    );
    assert.deepEqual(unknown, []);
  });

  it("names each call that everyone may make once", () => {
    const rules = (DEFAULT_SECCOMP_PROFILE.syscalls ?? []).filter(({ args, includes, excludes }) => {
      return args === undefined && includes === undefined && excludes === undefined;
    });
    const names = rules.flatMap((rule) => rule.names);
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.length, 361);
  });

  it("gives each rule a reason", () => {
    for (const { comment, names } of DEFAULT_SECCOMP_PROFILE.syscalls ?? []) assert.ok(comment, names.join());
  });

  it("has the effect of docker 28.5.2's, on every machine and with every capability", () => {
    const hash = createHash("sha256");
    for (const arch of arches) {
      for (const set of capabilitySets) {
        const target = { arch, capabilities: set, kernelVersion };
        for (const [name, effect] of effects(defaultSeccompProfile(target))) {
          if (effect !== "") hash.update(`${arch} ${set.join()} ${name}: ${effect}\n`);
        }
      }
    }
    // Made from profiles/seccomp/default.json of moby/profiles, as docker.io 28.5.2 of Debian vendors it.
    assert.equal(hash.digest("hex"), "054cf9c7a2485fd5f2b74da1c2d97c36bfbdc5b42b4b323bb81d1cf7c64451a3");
  });

  it("lets a container of an old kernel trace nobody without the capability", () => {
    const traces = (version: string, set: readonly string[]): boolean => {
      const seccomp = defaultSeccompProfile({ arch: "SCMP_ARCH_X86_64", capabilities: set, kernelVersion: version });
      return effects(seccomp).get("ptrace") !== "";
    };
    assert.ok(traces("4.8.0-rc1", []));
    assert.ok(traces("10.0", []));
    assert.ok(!traces("4.7.10", []));
    assert.ok(traces("4.7.10", ["CAP_SYS_PTRACE"]));
  });
});

const installed = [
  { profile: "podman", path: "/usr/share/containers/seccomp.json", from: "golang-github-containers-common" },
  {
    profile: "docker",
    path: "/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json",
    from: "golang-github-docker-docker-dev",
  },
] as const;

describe("the default profile beside an installed one", () => {
  for (const { profile, path, from } of installed) {
    it(`differs from ${path} only where default-profile-differences.ts says why`, (t) => {
      if (!existsSync(path)) {
        t.skip(`not installed: apt-get install ${from}`);
        return;
      }
      const theirProfile = decodeSeccompProfile(readFileSync(path));
      const explained = PROFILE_DIFFERENCES.filter((each) => each.profile === profile);
      const calls = new Set(explained.flatMap((each) => each.calls.split(" ")));
      const unexplained = new Set<string>();
      for (const arch of arches) {
        for (const set of capabilitySets) {
          const target = { arch, capabilities: set, kernelVersion };
          const theirs = effects(resolveSeccompProfile(theirProfile, target));
          for (const [name, ours] of effects(defaultSeccompProfile(target))) {
            // podman tells calls that it knows and refuses from unknown ones by their errno.
            const [a, b] = [ours, theirs.get(name) ?? ""].map((each) =>
              profile === "podman" ? allowedOnly(each) : each,
            );
            if (a !== b && !calls.has(name))
              unexplained.add(`${name}: ours ${a || "refused"}, theirs ${b || "refused"}`);
          }
        }
      }
      assert.deepEqual([...unexplained], []);
    });
  }

  it("explains differences of calls that exist", () => {
    for (const { calls } of PROFILE_DIFFERENCES) {
      for (const name of calls.split(" ")) assert.notEqual(syscallId(name), undefined, name);
    }
  });
});
