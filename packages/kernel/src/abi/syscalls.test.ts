import assert from "node:assert/strict";
import { test } from "node:test";
import { syscallNumber as numberInHeaders } from "./syscall-numbers/syscall-numbers.ts";
import { SYSCALLS, type SyscallName, syscallArguments, syscallNumber } from "./syscalls.ts";

const NAMES = Object.keys(SYSCALLS) as SyscallName[];
/** Calls that could take the machine's own memory from under it, or run code that is not the machine's. */
const FORBIDDEN = [
  "brk",
  "mmap",
  "mprotect",
  "mremap",
  "munmap",
  "pkey_mprotect",
  "remap_file_pages",
  "rt_sigreturn",
  "shmat",
];

test("every argument is of a kind that is described, and lengths are arguments of the same call", () => {
  for (const name of NAMES) {
    const kinds = syscallArguments(name);
    assert.ok(kinds.length <= 6, name);
    for (const kind of kinds) {
      assert.match(kind, /^([disSvo]|[pP]\d+|[bB][0-5])$/, name);
      if (/^[bB]/.test(kind)) assert.equal(kinds[Number(kind.slice(1))], "i", name);
    }
  }
});

test("numbers are those of the kernel's tables", () => {
  for (const name of NAMES) {
    assert.equal(syscallNumber(name, "x86_64"), numberInHeaders("SCMP_ARCH_X86_64", name), name);
    assert.equal(syscallNumber(name, "aarch64"), numberInHeaders("SCMP_ARCH_AARCH64", name), name);
  }
});

test("no two calls have one number", () => {
  for (const architecture of ["x86_64", "aarch64"] as const) {
    assert.equal(new Set(NAMES.map((name) => syscallNumber(name, architecture))).size, NAMES.length);
  }
});

test("nothing in the table could take the machine's memory from under it", () => {
  assert.deepEqual(
    NAMES.filter((name) => FORBIDDEN.includes(name)),
    [],
  );
});
