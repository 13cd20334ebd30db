import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OrlopError } from "@orlop/core";
import { BPF_CODES, type BpfInstruction } from "./bpf-instruction.ts";
import { runSeccompBpf } from "./bpf-interpreter.ts";

const { ALU_AND_K, JA, JEQ_K, JGE_K, JGT_K, JSET_K, LD_W_ABS, RET_K } = BPF_CODES;

function instruction(code: number, k = 0, jt = 0, jf = 0): BpfInstruction {
  return { code, jt, jf, k };
}

/** Loads the low half of the first argument, branches on it, and returns whether the branch held. */
function branchHolds(code: number, k: number, argument: number): boolean {
  const program = [instruction(LD_W_ABS, 16), instruction(code, k, 0, 1), instruction(RET_K, 1), instruction(RET_K, 0)];
  return runSeccompBpf(program, { nr: 0, arch: 0, args: [argument] }, true).verdict === 1;
}

describe("the BPF interpreter", () => {
  it("compares without sign", () => {
    assert.ok(branchHolds(JGT_K, 0x7fff_ffff, 0x8000_0000));
    assert.ok(!branchHolds(JGT_K, 5, 5));
    assert.ok(branchHolds(JGE_K, 5, 5));
    assert.ok(branchHolds(JEQ_K, 0xffff_ffff, 0xffff_ffff));
    assert.ok(branchHolds(JSET_K, 0x8000_0001, 0x8000_0000));
    assert.ok(!branchHolds(JSET_K, 6, 9));
  });

  it("finds the halves of an argument in either byte order", () => {
    const call = { nr: 7, arch: 9, args: [0, 0x1122_3344_5566_7788n] };
    for (const [littleEndian, offset, expected] of [
      [true, 24, 0x5566_7788],
      [true, 28, 0x1122_3344],
      [false, 24, 0x1122_3344],
      [false, 28, 0x5566_7788],
      [true, 0, 7],
      [false, 4, 9],
      [true, 8, 0],
    ] as const) {
      const program = [
        instruction(LD_W_ABS, offset),
        instruction(JEQ_K, expected, 0, 1),
        instruction(RET_K, 1),
        instruction(RET_K, 0),
      ];
      assert.equal(runSeccompBpf(program, call, littleEndian).verdict, 1, `offset ${offset}`);
    }
  });

  it("masks, jumps and counts its steps", () => {
    const program = [
      instruction(LD_W_ABS, 0),
      instruction(ALU_AND_K, 0xf000_0000),
      instruction(JA, 1),
      instruction(RET_K, 1),
      instruction(JEQ_K, 0xf000_0000, 0, 1),
      instruction(RET_K, 2),
      instruction(RET_K, 3),
    ];
    assert.deepEqual(runSeccompBpf(program, { nr: 0xffff_ffff, arch: 0 }, true), { verdict: 2, steps: 5 });
  });

  it("refuses what it does not know and programs that are left", () => {
    const call = { nr: 0, arch: 0 };
    assert.throws(() => runSeccompBpf([instruction(0x16)], call, true), OrlopError);
    assert.throws(() => runSeccompBpf([instruction(JA, 3)], call, true), OrlopError);
  });
});
