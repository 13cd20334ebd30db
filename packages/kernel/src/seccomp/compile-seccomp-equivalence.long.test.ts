import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LinuxSeccomp, type LinuxSeccompArch, OrlopError } from "@orlop/core";
import { seccompArchitecture, seccompArchitectures } from "../abi/syscall-numbers/seccomp-architecture.ts";
import { syscallColumn, syscallId } from "../abi/syscall-numbers/syscall-numbers.ts";
import { Random } from "../program/random-program-fixture.ts";
import { decodeBpf } from "./bpf-instruction.ts";
import { type FilteredCall, runSeccompBpf } from "./bpf-interpreter.ts";
import { compileSeccomp } from "./compile-seccomp.ts";
import { defaultSeccompProfile } from "./default-seccomp-profile.ts";
import { ExpectedVerdicts } from "./expected-verdicts-fixture.ts";
import { randomArgument, randomSeccomp } from "./random-seccomp-fixture.ts";
import { verifySeccompBpf } from "./verify-seccomp-bpf.ts";

/** Compares the compiled filter with a plain reading of the config. */
class Comparison {
  readonly #decide: (call: FilteredCall) => number;
  readonly #expected: ExpectedVerdicts;
  readonly #seccomp: LinuxSeccomp;

  constructor(seccomp: LinuxSeccomp, nativeArch: LinuxSeccompArch) {
    const littleEndian = seccompArchitecture(nativeArch)?.littleEndian ?? true;
    const instructions = decodeBpf(compileSeccomp(seccomp, { nativeArch }).filter, littleEndian);
    verifySeccompBpf(instructions);
    this.#decide = (call) => runSeccompBpf(instructions, call, littleEndian).verdict;
    this.#expected = new ExpectedVerdicts(seccomp, nativeArch);
    this.#seccomp = seccomp;
  }

  check(call: FilteredCall): void {
    const verdict = this.#decide(call);
    const expected = this.#expected.of(call);
    if (expected.has(verdict)) return;
    const text = (value: unknown): string =>
      JSON.stringify(value, (_key, each) => (typeof each === "bigint" ? `0x${each.toString(16)}` : each));
    const numbers = [...expected].map((each) => `0x${each.toString(16)}`).join(" or ");
    assert.fail(`0x${verdict.toString(16)}, not ${numbers}, for ${text(call)} under ${text(this.#seccomp)}`);
  }
}

/** Every number that an architecture has, their neighbours, and those around the limits of the number space. */
function interestingNumbers(arch: LinuxSeccompArch): ReadonlySet<number> {
  const architecture = seccompArchitecture(arch);
  if (architecture === undefined) throw new RangeError(arch);
  const numbers = new Set([
    0, 1, 0x3fff_ffff, 0x4000_0000, 0x4000_01ff, 0x4000_0223, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff,
  ]);
  for (const number of syscallColumn(architecture)) {
    if (number !== -1) for (const near of [number - 1, number, number + 1]) numbers.add(Math.max(0, near));
  }
  return numbers;
}

const capabilitySets = [[], ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT"]];

describe("the compiled default profile", () => {
  for (const { name: nativeArch } of seccompArchitectures()) {
    it(`decides about every call as the profile reads, on ${nativeArch}`, () => {
      for (const capabilities of capabilitySets) {
        const seccomp = defaultSeccompProfile({ arch: nativeArch, capabilities, kernelVersion: "6.18" });
        const comparison = new Comparison(seccomp, nativeArch);
        const calls = ["socket", "personality", "clone", "socketcall"].map((name) => syscallId(name) ?? -1);
        for (const arch of new Set([nativeArch, ...(seccomp.architectures ?? [])])) {
          const architecture = seccompArchitecture(arch);
          if (architecture === undefined) continue;
          const conditional = new Set(calls.map((id) => syscallColumn(architecture)[id]));
          for (const nr of interestingNumbers(arch)) {
            const lists = conditional.has(nr) ? argumentLists : [[]];
            for (const args of lists) comparison.check({ nr, arch: architecture.auditArch, args });
          }
        }
        comparison.check({ nr: 0, arch: 0xdead_beef });
      }
    });
  }
});

/** Around what the default profile compares with: AF_VSOCK, personalities, namespace flags. */
const argumentLists = [
  0n,
  8n,
  40n,
  0x2_0000n,
  0x2_0008n,
  0x7e02_0000n,
  0x1200_0011n,
  0x4000_0000n,
  0xffff_ffffn,
  0x1_0000_0028n,
  0x1_ffff_ffffn,
].flatMap((value) => [[value, 0n], [0n, value], [value - 1n, value + 1n].map((each) => BigInt.asUintN(64, each))]);

const architectureLists: readonly (readonly [native: LinuxSeccompArch, ...LinuxSeccompArch[]])[] = [
  ["SCMP_ARCH_X86_64"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
  ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32"],
  ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"],
  ["SCMP_ARCH_PPC64", "SCMP_ARCH_PPC", "SCMP_ARCH_PARISC64"],
  ["SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"],
  ["SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_PPC64LE"],
  ["SCMP_ARCH_M68K", "SCMP_ARCH_SHEB"],
];

/** Numbers that the config mentions, what they are reached through, and their neighbours. */
function mentionedNumbers(seccomp: LinuxSeccomp, arch: LinuxSeccompArch): ReadonlySet<number> {
  const architecture = seccompArchitecture(arch);
  if (architecture === undefined) throw new RangeError(arch);
  const names = new Set(["socketcall", "ipc", ...(seccomp.syscalls ?? []).flatMap((rule) => rule.names)]);
  const numbers = [...names].map((name) => syscallColumn(architecture)[syscallId(name) ?? -1] ?? -1);
  return new Set(numbers.filter((number) => number !== -1).flatMap((number) => [number, number + 1]));
}

describe("compiled random profiles", () => {
  for (const sameAction of [true, false]) {
    it(`decide as they read, with ${sameAction ? "one action" : "several actions"}`, () => {
      let refused = 0;
      for (let seed = 1; seed <= 250; seed += 1) {
        const random = new Random(seed);
        const architectures = random.pick(architectureLists);
        const shape = {
          rulesPerCall: "many",
          sameArgument: random.below(2) === 0,
          operators: "all",
          sameAction,
        } as const;
        const seccomp = randomSeccomp(random, architectures, shape);
        let comparison: Comparison;
        try {
          comparison = new Comparison(seccomp, architectures[0]);
        } catch (error) {
          assert.ok(error instanceof OrlopError && /an earlier rule/.test(error.message), String(error));
          refused += 1;
          continue;
        }
        for (const arch of architectures) {
          const auditArch = seccompArchitecture(arch)?.auditArch ?? 0;
          for (const nr of mentionedNumbers(seccomp, arch)) {
            for (let count = 0; count < 12; count += 1) {
              comparison.check({ nr, arch: auditArch, args: [0, 1, 2].map(() => randomArgument(random)) });
            }
          }
        }
      }
      // Rules that contradict each other need two actions.
      if (sameAction) assert.equal(refused, 0);
      else assert.ok(refused < 60, `${refused} of 250 refused`);
    });
  }
});
