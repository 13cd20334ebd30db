import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OrlopError } from "@orlop/core";
import { BPF_CODES, BPF_INSTRUCTIONS_MAX, type BpfInstruction } from "./bpf-instruction.ts";
import { verifySeccompBpf } from "./verify-seccomp-bpf.ts";

const { JA, JEQ_K, LD_W_ABS, RET_K } = BPF_CODES;

function instruction(code: number, k = 0, jt = 0, jf = 0): BpfInstruction {
  return { code, jt, jf, k };
}

const ret = instruction(RET_K);

function refuses(instructions: readonly BpfInstruction[], what: RegExp): void {
  assert.throws(
    () => verifySeccompBpf(instructions),
    (error) => error instanceof OrlopError && error.code === "internal" && what.test(error.message),
  );
}

describe("the checks of a filter", () => {
  it("let a program pass whose every path ends in a verdict", () => {
    verifySeccompBpf([ret]);
    verifySeccompBpf([instruction(LD_W_ABS, 60), instruction(JEQ_K, 1, 1, 0), instruction(JA, 0), ret]);
  });

  it("refuse a program that is empty or too long", () => {
    refuses([], /no program/);
    refuses(
      Array.from({ length: BPF_INSTRUCTIONS_MAX + 1 }, () => ret),
      /no program/,
    );
    verifySeccompBpf(Array.from({ length: BPF_INSTRUCTIONS_MAX }, () => ret));
  });

  it("refuse jumps out of the program", () => {
    refuses([instruction(JEQ_K, 0, 1, 0), ret], /leads out/);
    refuses([instruction(JEQ_K, 0, 0, 1), ret], /leads out/);
    refuses([instruction(JA, 1), ret], /leads out/);
    refuses([instruction(JA, 0xffff_ffff), ret], /leads out/);
  });

  it("refuse a last instruction without verdict", () => {
    refuses([ret, instruction(LD_W_ABS, 0)], /leads out/);
  });

  it("refuse loads outside the data or between its words", () => {
    refuses([instruction(LD_W_ABS, 64), ret], /outside the data/);
    refuses([instruction(LD_W_ABS, 2), ret], /outside the data/);
  });

  it("refuse numbers that do not fit into their fields", () => {
    const rets = Array.from({ length: 300 }, () => ret);
    verifySeccompBpf([instruction(JEQ_K, 0xffff_ffff, 255, 255), ...rets]);
    refuses([instruction(JEQ_K, 0, 256, 0), ...rets], /does not fit/);
    refuses([instruction(JEQ_K, 0, 0, 256), ...rets], /does not fit/);
    refuses([instruction(RET_K, 0x1_0000_0000)], /does not fit/);
    refuses([instruction(RET_K, -1)], /does not fit/);
    refuses([instruction(RET_K, Number.NaN)], /does not fit/);
  });

  it("refuse instructions that no filter of ours has", () => {
    refuses([instruction(0x16), ret], /unknown code 22/);
  });
});
