import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  LINUX_SECCOMP_ACTIONS,
  LINUX_SECCOMP_ARCHES,
  LINUX_SECCOMP_FLAGS,
  LINUX_SECCOMP_OPERATORS,
  type LinuxSeccomp,
  OrlopError,
} from "@orlop/core";
import { seccompArchitecture } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallNames } from "../abi/syscall-numbers/syscall-numbers.ts";
import { Random } from "../program/random-program-fixture.ts";
import { BPF_INSTRUCTIONS_MAX, decodeBpf } from "./bpf-instruction.ts";
import { runSeccompBpf } from "./bpf-interpreter.ts";
import { compileSeccomp, type SeccompProgram } from "./compile-seccomp.ts";
import { verifySeccompBpf } from "./verify-seccomp-bpf.ts";

/** Numbers at which something changes, and some that are no argument, errno or index at all. */
const numbers = [
  0,
  1,
  2,
  5,
  6,
  40,
  4095,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -1,
  0.5,
  Number.NaN,
];
const bigints = [0n, 5n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -1n];

/** Mostly one of the list, sometimes something else. */
function mostly<T>(random: Random, values: readonly T[], others: readonly unknown[]): unknown {
  return random.chance(97) ? random.pick(values) : random.pick(others);
}

function listOf(random: Random, lengthMax: number, make: () => unknown): readonly unknown[] {
  return Array.from({ length: random.below(lengthMax + 1) }, make);
}

function optional(random: Random, key: string, make: () => unknown): Readonly<Record<string, unknown>> {
  return random.chance(40) ? { [key]: make() } : {};
}

/** An object with the members of a config, whose values are often right and sometimes far from it. */
function randomConfig(random: Random): LinuxSeccomp {
  const names = syscallNames();
  const action = (): unknown => mostly(random, LINUX_SECCOMP_ACTIONS, ["", "SCMP_ACT_MAYBE", "toString"]);
  const value = (): unknown =>
    mostly(random, [...numbers.slice(0, 13), ...bigints.slice(0, 5)], [...numbers, ...bigints]);
  const small = random.chance(90);
  const arg = (): unknown => ({
    index: mostly(random, [0, 1, 2, 3, 4, 5], numbers),
    op: mostly(random, LINUX_SECCOMP_OPERATORS, ["", "SCMP_CMP_ABOUT", "constructor"]),
    value: value(),
    ...optional(random, "valueTwo", value),
  });
  const syscall = (): unknown => ({
    names: listOf(random, small ? 3 : 400, () => mostly(random, names, ["", "no such call", "__proto__"])),
    action: action(),
    ...(random.chance(10) ? { errnoRet: random.pick(numbers) } : {}),
    ...optional(random, "args", () => listOf(random, 6, arg)),
  });
  return {
    defaultAction: action(),
    ...(random.chance(10) ? { defaultErrnoRet: random.pick(numbers) } : {}),
    ...optional(random, "architectures", () =>
      listOf(random, 4, () => mostly(random, LINUX_SECCOMP_ARCHES, ["", "SCMP_ARCH_VAX"])),
    ),
    ...optional(random, "flags", () => listOf(random, 4, () => mostly(random, LINUX_SECCOMP_FLAGS, ["", "SECCOMP"]))),
    ...(random.chance(70) ? { listenerPath: "/run/listener.sock" } : {}),
    ...optional(random, "listenerMetadata", () => random.pick(["", "m"])),
    syscalls: listOf(random, small ? 8 : 200, syscall),
  } as unknown as LinuxSeccomp;
}

describe("compileSeccomp", () => {
  it("makes a program that the kernel takes, or throws OrlopError, whatever it is given", () => {
    const outcomes = { compiled: 0, refused: 0 };
    for (let seed = 1; seed <= 1500; seed += 1) {
      const random = new Random(seed);
      const seccomp = randomConfig(random);
      const nativeArch = random.pick(LINUX_SECCOMP_ARCHES);
      let program: SeccompProgram;
      try {
        program = compileSeccomp(seccomp, { nativeArch });
      } catch (error) {
        const known = error instanceof OrlopError && error.code !== "internal";
        assert.ok(known, `seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
        outcomes.refused += 1;
        continue;
      }
      outcomes.compiled += 1;
      const architecture = seccompArchitecture(nativeArch);
      assert.ok(architecture !== undefined);
      const instructions = decodeBpf(program.filter, architecture.littleEndian);
      assert.ok(instructions.length === program.instructionCount && instructions.length <= BPF_INSTRUCTIONS_MAX);
      verifySeccompBpf(instructions);
      // Ends for any call, and no path is longer than the program.
      const call = { nr: random.below(600), arch: architecture.auditArch, args: bigints.slice(0, 5) };
      assert.ok(runSeccompBpf(instructions, call, architecture.littleEndian).steps <= instructions.length);
    }
    // The test would mean little if nearly everything were refused, or nothing.
    assert.ok(outcomes.compiled > 300 && outcomes.refused > 100, JSON.stringify(outcomes));
  });
});
