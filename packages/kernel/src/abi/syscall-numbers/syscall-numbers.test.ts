import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { LINUX_SECCOMP_ARCHES } from "@orlop/core";
import { nativeSeccompArch, type SeccompArchitecture, seccompArchitectures } from "./seccomp-architecture.ts";
import { syscallColumn, syscallId, syscallName, syscallNames, syscallNumber } from "./syscall-numbers.ts";

/** `name -> number` of a header with lines such as `#define __NR_read (__X32_SYSCALL_BIT + 0)`. */
function headerNumbers(path: string, base: number): ReadonlyMap<string, number> {
  const lines = readFileSync(path, "utf8").matchAll(/^#define __NR_(\w+)\s+\(?(?:__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm);
  return new Map([...lines].map(([, name = "", number]) => [name, base + Number(number)]));
}

describe("syscall numbers", () => {
  it("has a table for every architecture of the OCI spec", () => {
    assert.deepEqual(
      seccompArchitectures()
        .map(({ name }) => name)
        .sort(),
      [...LINUX_SECCOMP_ARCHES].sort(),
    );
    for (const architecture of seccompArchitectures()) {
      const count = syscallColumn(architecture).filter((number) => number !== -1).length;
      assert.ok(count > 300, `${architecture.name} has ${count} calls`);
    }
  });

  it("gives numbers as a filter sees them", () => {
    assert.equal(syscallNumber("SCMP_ARCH_X86_64", "read"), 0);
    assert.equal(syscallNumber("SCMP_ARCH_X86", "read"), 3);
    assert.equal(syscallNumber("SCMP_ARCH_X32", "read"), 0x4000_0000);
    assert.equal(syscallNumber("SCMP_ARCH_X32", "rt_sigaction"), 0x4000_0200);
    assert.equal(syscallNumber("SCMP_ARCH_ARM", "set_tls"), 0x0f_0005);
    assert.equal(syscallNumber("SCMP_ARCH_ARM", "sync_file_range2"), 341);
    assert.equal(syscallNumber("SCMP_ARCH_AARCH64", "read"), 63);
    assert.equal(syscallNumber("SCMP_ARCH_MIPS", "read"), 4003);
    assert.equal(syscallNumber("SCMP_ARCH_MIPSEL64", "read"), 5000);
    assert.equal(syscallNumber("SCMP_ARCH_MIPS64N32", "read"), 6000);
    assert.equal(syscallNumber("SCMP_ARCH_S390", "select"), undefined);
    assert.equal(syscallNumber("SCMP_ARCH_S390X", "select"), 142);
  });

  it("knows calls up to Linux 7.0", () => {
    for (const { name, rows } of seccompArchitectures()) {
      const base = rows[0]?.[1] ?? 0;
      assert.equal(syscallNumber(name, "file_setattr"), base + 469, name);
      // s390 lost its 31-bit calls in Linux 6.19.
      if (name !== "SCMP_ARCH_S390") assert.equal(syscallNumber(name, "rseq_slice_yield"), base + 471, name);
    }
  });

  it("says nothing about names and architectures that do not exist", () => {
    assert.equal(syscallNumber("SCMP_ARCH_X86_64", "no_such_call"), undefined);
    assert.equal(syscallNumber("SCMP_ARCH_X86_64", "socketcall"), undefined);
    assert.equal(syscallId("no_such_call"), undefined);
    assert.equal(syscallName("SCMP_ARCH_X86_64", 9999), undefined);
  });

  it("finds the name of a number", () => {
    assert.equal(syscallName("SCMP_ARCH_X86_64", 435), "clone3");
    assert.equal(syscallName("SCMP_ARCH_X86", 102), "socketcall");
    assert.equal(syscallName("SCMP_ARCH_ARM", 341), "arm_sync_file_range");
    for (const { name } of seccompArchitectures()) {
      for (const call of syscallNames()) {
        const number = syscallNumber(name, call);
        if (number !== undefined) assert.equal(syscallNumber(name, syscallName(name, number) ?? ""), number, call);
      }
    }
  });

  it("lists each name once, sorted", () => {
    assert.deepEqual(syscallNames(), [...new Set(syscallNames())].sort());
  });

  it("names the machines that programs are compiled for", () => {
    assert.equal(nativeSeccompArch("x86_64"), "SCMP_ARCH_X86_64");
    assert.equal(nativeSeccompArch("aarch64"), "SCMP_ARCH_AARCH64");
  });
});

describe("syscall numbers beside the installed headers", () => {
  const files = [
    ["SCMP_ARCH_X86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0],
    ["SCMP_ARCH_X86", "/usr/include/x86_64-linux-gnu/asm/unistd_32.h", 0],
    ["SCMP_ARCH_X32", "/usr/include/x86_64-linux-gnu/asm/unistd_x32.h", 0x4000_0000],
  ] as const;
  for (const [arch, path, base] of files) {
    it(`agrees with ${path}`, (t) => {
      if (!existsSync(path)) {
        t.skip("linux-libc-dev is not installed");
        return;
      }
      for (const [name, number] of headerNumbers(path, base)) assert.equal(syscallNumber(arch, name), number, name);
    });
  }
});

/**
 * For each architecture: its token, and the names of numbers that are given with it, both from libseccomp. A token
 * of 0 means that this libseccomp does not have the architecture.
 */
const resolver = `
import ctypes, json, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_arch_resolve_name.restype = ctypes.c_uint32
lib.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
def name(arch, number):
    found = lib.seccomp_syscall_resolve_num_arch(ctypes.c_uint32(arch), number)
    return ctypes.string_at(found).decode() if found else None
answer = {}
for arch, numbers in json.load(sys.stdin).items():
    token = lib.seccomp_arch_resolve_name(arch.encode())
    answer[arch] = [token, {n: name(token, n) for n in numbers} if token else {}]
print(json.dumps(answer))
`;

type Resolved = Readonly<Record<string, readonly [token: number, names: Readonly<Record<string, string | null>>]>>;

function libseccompName({ name }: SeccompArchitecture): string {
  return name.replace("SCMP_ARCH_", "").toLowerCase();
}

/** What libseccomp says; undefined, and the test skipped, where it is not installed. */
function resolveWithLibseccomp(t: TestContext): Resolved | undefined {
  const numbers = Object.fromEntries(
    seccompArchitectures().map((architecture) => [
      libseccompName(architecture),
      architecture.rows.flatMap(([, base]) => Array.from({ length: 600 }, (_, each) => base + each)),
    ]),
  );
  const input = JSON.stringify(numbers);
  const { status, stdout, stderr } = spawnSync("python3", ["-c", resolver], { input, encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout);
  t.skip(`python3 with libseccomp.so.2 is not here: ${stderr?.trim().split("\n").at(-1) ?? "no python3"}`);
  return undefined;
}

/** libseccomp 2.5 gave 64-bit parisc the calls of 32-bit parisc; the kernel's table has this one for 32 bits only. */
const libseccompMistakes: ReadonlySet<string> = new Set(["SCMP_ARCH_PARISC64 _llseek"]);

describe("syscall numbers beside libseccomp", () => {
  it("agrees on the architectures' values and on the number of every call that libseccomp knows", (t) => {
    const resolved = resolveWithLibseccomp(t);
    if (resolved === undefined) return;
    for (const architecture of seccompArchitectures()) {
      const [token, names]: Resolved[string] = resolved[libseccompName(architecture)] ?? [0, {}];
      if (token === 0) continue;
      // libseccomp has a token of its own for x32, which the kernel does not tell from x86-64.
      if (architecture.name !== "SCMP_ARCH_X32") assert.equal(architecture.auditArch, token, architecture.name);
      for (const [number, name] of Object.entries(names)) {
        if (name === null || libseccompMistakes.has(`${architecture.name} ${name}`)) continue;
        assert.equal(syscallNumber(architecture.name, name), Number(number), `${architecture.name} ${name}`);
      }
    }
  });
});
