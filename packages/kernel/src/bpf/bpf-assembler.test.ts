import assert from "node:assert/strict";
import { test } from "node:test";
import { BpfAssembler, bpfRegister } from "./bpf-assembler.ts";
import { disassembleBpf } from "./bpf-disassemble.ts";
import { interpretBpf } from "./bpf-interpreter.ts";

const [r0, r1, r2, r3] = [0, 1, 2, 3].map(bpfRegister) as [
  ReturnType<typeof bpfRegister>,
  ReturnType<typeof bpfRegister>,
  ReturnType<typeof bpfRegister>,
  ReturnType<typeof bpfRegister>,
];

function sample(): Uint8Array {
  const assembler = new BpfAssembler();
  const out = assembler.label("out");
  assembler.loadWord(r2, r1, 4);
  assembler.alu32("MOV", r3, r2);
  assembler.alu32("AND", r3, 0x7fff_ffff);
  assembler.alu32("RSH", r3, 16);
  assembler.alu32("MOV", r0, 1);
  assembler.jump32("JGE", r3, 6, out);
  assembler.jump32("JNE", r2, r3, out);
  assembler.jump(out);
  assembler.mark(out);
  assembler.exit();
  return assembler.assemble();
}

test("encodes as llvm-mc -triple=bpfel -filetype=obj does", () => {
  // r2 = *(u32 *)(r1 + 4); w3 = w2; w3 &= 0x7fffffff; w3 >>= 16; w0 = 1; if w3 >= 6 goto +2;
  // if w2 != w3 goto +1; goto +0; exit
  const expected = [
    "6112040000000000",
    "bc23000000000000",
    "54030000ffffff7f",
    "7403000010000000",
    "b400000001000000",
    "3603020006000000",
    "5e32010000000000",
    "0500000000000000",
    "9500000000000000",
  ];
  assert.equal(Buffer.from(sample()).toString("hex"), expected.join(""));
});

test("disassembles in the verifier's notation", () => {
  assert.deepEqual(disassembleBpf(sample()), [
    "r2 = *(u32 *)(r1 +4)",
    "w3 = w2",
    "w3 &= 2147483647",
    "w3 >>= 16",
    "w0 = 1",
    "if w3 >= 6 goto +2",
    "if w2 != w3 goto +1",
    "goto +0",
    "exit",
  ]);
});

test("JSET, which llvm-mc 14 cannot spell for 32 bits, is class JMP32 | 0x40", () => {
  const assembler = new BpfAssembler();
  const out = assembler.label("out");
  assembler.jump32("JSET", r3, 6, out);
  assembler.mark(out);
  assembler.exit();
  assert.equal(Buffer.from(assembler.assemble()).toString("hex"), "46030000060000009500000000000000");
});

test("prints what it does not know in hexadecimal", () => {
  assert.deepEqual(disassembleBpf(Buffer.from("8510000005000000", "hex")), ["(85) r0 r1 +0 5"]);
});

test("a label that is never marked, or marked twice, is our mistake", () => {
  const open = new BpfAssembler();
  open.jump(open.label("nowhere"));
  assert.throws(() => open.assemble(), /nowhere is used and never marked/);
  const twice = new BpfAssembler();
  const label = twice.label("here");
  twice.mark(label);
  assert.throws(() => twice.mark(label), /marked twice/);
});

test("the interpreter refuses what the verifier would", () => {
  assert.throws(() => interpretBpf(Buffer.from("b400000001000000", "hex"), new Uint8Array(12)), /runs off its end/);
  assert.throws(() => interpretBpf(Buffer.from("8500000005000000", "hex"), new Uint8Array(12)), RangeError);
  assert.throws(
    () => interpretBpf(Buffer.from("61120c00000000009500000000000000", "hex"), new Uint8Array(12)),
    RangeError,
  );
  assert.throws(() => interpretBpf(new Uint8Array(7), new Uint8Array(12)), /multiple of 8/);
});
