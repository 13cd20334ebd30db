import { BOOT_ADDRESS, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { Immediate, type Instruction, Label, OPS, type Op, type Operand, Pointer, Slot } from "./instruction.ts";
import type { Program } from "./program.ts";
import type { Random } from "./random-program-fixture.ts";

const ODD_NUMBERS = [
  -1,
  0,
  1,
  2,
  3,
  8,
  63,
  254,
  255,
  256,
  4096,
  65536,
  2 ** 32,
  2 ** 53,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];
const ODD_BIGINTS = [-1n, 0n, 1n, 2n ** 64n, 2n ** 64n - 1n, BigInt(BOOT_ADDRESS), BigInt(REQUEST_ADDRESS), 0x10000n];

/** The program with one thing in it made different, within its types. */
export function mutateProgram(program: Program, random: Random): Program {
  const at = random.below(program.instructions.length);
  const old = program.instructions[at];
  if (old === undefined) return program;
  const replace = (change: Partial<Instruction>): Program => ({
    ...program,
    instructions: program.instructions.with(at, { ...old, ...change }),
  });
  const operand = (): Operand =>
    random.pick<Operand>([
      new Immediate(random.pick(ODD_BIGINTS), "odd"),
      new Slot(random.pick(ODD_NUMBERS), "odd"),
      new Pointer(random.pick(ODD_NUMBERS), random.pick(ODD_NUMBERS), "odd"),
      new Pointer(random.below(program.image.length + 1), random.below(64), "odd"),
    ]);
  const target = new Label("odd");
  target.index = random.pick<number | undefined>([...ODD_NUMBERS, undefined, at]);
  const mutations: readonly (() => Program)[] = [
    () => replace({ op: random.pick([...OPS, "nop" as Op, "toString" as Op]) }),
    () => replace({ number: random.pick([...ODD_NUMBERS, random.below(460)]) }),
    () => replace({ into: random.pick([undefined, new Slot(random.pick(ODD_NUMBERS), "odd")]) }),
    () => replace({ target: random.pick([undefined, target]) }),
    () =>
      replace({ errnos: random.pick<Instruction["errnos"]>(["any", [], [random.pick(ODD_NUMBERS)], [1, 2, 3, 4, 5]]) }),
    () => replace({ step: random.pick(ODD_NUMBERS) }),
    () => replace({ operands: [...old.operands, operand()] }),
    () => replace({ operands: old.operands.slice(1) }),
    () => replace({ operands: old.operands.with(Math.max(0, random.below(old.operands.length)), operand()) }),
    () => ({ ...program, instructions: program.instructions.toSpliced(at, 1) }),
    () => ({ ...program, instructions: program.instructions.slice(0, at) }),
    () => ({ ...program, image: program.image.subarray(0, random.below(program.image.length + 1)) }),
    () => ({
      ...program,
      relocations: [...program.relocations, { at: random.pick(ODD_NUMBERS), to: random.pick(ODD_NUMBERS) }],
    }),
    () => ({ ...program, relocations: [...program.relocations, { at: random.below(program.image.length), to: 0 }] }),
    () => ({ ...program, steps: [] }),
  ];
  // `with` has no place to change in an instruction without operands.
  const possible = old.operands.length > 0 ? mutations : mutations.filter((_, index) => index !== 8);
  return random.pick(possible)();
}
