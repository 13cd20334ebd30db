import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LinuxSeccomp, Uint64 } from "@orlop/core";
import { SeccompProgramCache } from "./seccomp-program-cache.ts";

const options = { nativeArch: "SCMP_ARCH_X86_64" } as const;

function config(value: Uint64): LinuxSeccomp {
  const args = [{ index: 0, value, op: "SCMP_CMP_EQ" }] as const;
  return { defaultAction: "SCMP_ACT_ERRNO", syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", args }] };
}

describe("a cache of seccomp programs", () => {
  it("gives the same program for the same config and machine", () => {
    const cache = new SeccompProgramCache();
    const first = cache.compile(config(1), options);
    assert.equal(cache.compile(config(1), options), first);
    assert.notEqual(cache.compile(config(2), options), first);
    assert.notEqual(cache.compile(config(1), { nativeArch: "SCMP_ARCH_AARCH64" }), first);
  });

  it("knows a config again that is the same object, and for another machine compiles it anew", () => {
    const cache = new SeccompProgramCache(1);
    const same = config(1);
    const first = cache.compile(same, options);
    cache.compile(config(2), options);
    assert.equal(cache.compile(same, options), first);
    assert.notEqual(cache.compile(same, { nativeArch: "SCMP_ARCH_AARCH64" }), first);
  });

  it("tells large numbers from each other", () => {
    const cache = new SeccompProgramCache();
    const [a, b] = [2n ** 64n - 1n, 2n ** 64n - 2n].map((value) => cache.compile(config(value), options));
    assert.notDeepEqual(a?.filter, b?.filter);
  });

  it("forgets the config that was not asked for the longest", () => {
    const cache = new SeccompProgramCache(2);
    const [one, two] = [cache.compile(config(1), options), cache.compile(config(2), options)];
    assert.equal(cache.compile(config(1), options), one);
    cache.compile(config(3), options);
    assert.equal(cache.compile(config(1), options), one);
    assert.notEqual(cache.compile(config(2), options), two);
  });

  it("keeps no failure", () => {
    const cache = new SeccompProgramCache();
    assert.throws(() => cache.compile(config(-1), options));
    assert.throws(() => cache.compile(config(-1), options));
  });
});
