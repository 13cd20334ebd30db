import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BPF_CODES, decodeBpf, encodeBpf } from "./bpf-instruction.ts";

const program = [
  { code: BPF_CODES.LD_W_ABS, jt: 0, jf: 0, k: 4 },
  { code: BPF_CODES.JEQ_K, jt: 0, jf: 255, k: 0xc000_003e },
  { code: BPF_CODES.RET_K, jt: 0, jf: 0, k: 0x7fff_0000 },
];

describe("the layout of struct sock_filter", () => {
  it("is that of the kernel on both kinds of machines", () => {
    const little = "2000000004000000" + "150000ff3e0000c0" + "060000000000ff7f";
    const big = "0020000000000004" + "001500ffc000003e" + "000600007fff0000";
    assert.equal(Buffer.from(encodeBpf(program, true)).toString("hex"), little);
    assert.equal(Buffer.from(encodeBpf(program, false)).toString("hex"), big);
  });

  it("is read back, also from the middle of a buffer", () => {
    for (const littleEndian of [true, false]) {
      const bytes = Buffer.concat([Buffer.alloc(3), encodeBpf(program, littleEndian)]).subarray(3);
      assert.deepEqual(decodeBpf(bytes, littleEndian), program);
    }
  });

  it("refuses half an instruction", () => {
    assert.throws(() => decodeBpf(new Uint8Array(12), true), RangeError);
  });
});
