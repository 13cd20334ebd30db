/**
 * The instruction set of the machine, and its encoding.
 *
 * An instruction is 64 bytes, little-endian:
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 1 | op, an index into {@link OPS} |
 * | 1 | 1 | flags: bit 0, any errno goes to `target` |
 * | 2 | 1 | destination slot, 255 for none |
 * | 3 | 1 | zero |
 * | 4 | 2 | system call number, condition, or width in bytes |
 * | 6 | 2 | tags, two bits an operand: 0 immediate, 1 pointer, 2 slot |
 * | 8 | 48 | six operands of 8 bytes |
 * | 56 | 4 | target, an instruction index |
 * | 60 | 4 | up to four errno values that go to `target`, zero-filled |
 *
 * A pointer operand counts from the first byte of the program's header.
 */
export const INSTRUCTION_BYTES = 64;

/** Where the fields of an encoded instruction lie. */
export const FIELDS = { op: 0, flags: 1, into: 2, number: 4, tags: 6, operands: 8, target: 56, errnos: 60 } as const;

/** How an operand's tag says what its eight bytes are. */
export const TAGS = { immediate: 0, pointer: 1, slot: 2 } as const;

/** Number of slots; the destination 255 means "none", so the last index is 254. */
export const SLOT_COUNT = 255;
export const NO_SLOT = 255;

/** Slot the machine writes the failing instruction's index into before it jumps to the handler. */
export const FAILED_INDEX_SLOT = 0;
/** Slot the machine writes the errno into before it jumps to the handler. */
export const FAILED_ERRNO_SLOT = 1;
/** Slot in which a zygote hands a program the id of its request. */
export const REQUEST_SLOT = 2;
/** Slot in which the machine finds, at its start, the address of the stack: argc, argv and envp, as the kernel laid them out. */
export const STACK_SLOT = 3;

/**
 * - `syscall` number, six arguments; the result goes to the destination
 * - `jump` to target
 * - `branch` to target when operand 0 stands in the condition to operand 1
 * - `load` destination = `width` bytes at operand 0 + operand 1, where operand 1 <= operand 2, else EFAULT
 * - `store` the low `width` bytes of operand 3 at operand 0 + operand 1, under the same bound
 * - `add`, `and` destination = operand 0 with operand 1
 * - `enter` the program whose header is at absolute address operand 0; the slots stay
 * - `fail` with the errno operand 0
 * - `handler` failures from here on go to target; the machine clears it when one does
 */
export const OPS = ["syscall", "jump", "branch", "load", "store", "add", "and", "enter", "fail", "handler"] as const;
export type Op = (typeof OPS)[number];

/** All comparisons are of unsigned 64-bit values. */
export const CONDITIONS = ["eq", "ne", "lt", "ge"] as const;
export type Condition = (typeof CONDITIONS)[number];

export const FLAG_ANY_ERRNO = 1;

/** How many errno values an instruction can name. */
export const ERRNO_LIST_MAX = 4;

/** A place that holds a 64-bit value while the program runs: a descriptor, a pid, a result. */
export class Slot {
  readonly index: number;
  readonly name: string;
  constructor(index: number, name: string) {
    this.index = index;
    this.name = name;
  }
}

/** A place in the program's memory image. `show` is how `explain` prints what stands there. */
export class Pointer {
  readonly offset: number;
  readonly length: number;
  readonly show: string;
  constructor(offset: number, length: number, show: string) {
    this.offset = offset;
    this.length = length;
    this.show = show;
  }

  /** A pointer into the same object, `by` bytes further on. */
  at(by: number, length: number = this.length - by): Pointer {
    if (by < 0 || length < 0 || by + length > this.length) {
      throw new RangeError(`${by}+${length} is outside an object of ${this.length} bytes`);
    }
    return new Pointer(this.offset + by, length, by === 0 ? this.show : `${this.show}+${by}`);
  }
}

/** A number known when the program is written. `show` is its symbolic form. */
export class Immediate {
  readonly value: bigint;
  readonly show: string;
  constructor(value: bigint, show: string) {
    this.value = value;
    this.show = show;
  }
}

/** A number that the same program can be had with another of: see `ProgramTemplate`. */
export class Given extends Immediate {
  readonly name: string;
  constructor(name: string, value: bigint) {
    super(value, String(value));
    this.name = name;
  }
}

export type Operand = Immediate | Pointer | Slot;

/** A place in the code that may not be written yet. */
export class Label {
  readonly name: string;
  /** Instruction index, once marked. */
  index: number | undefined = undefined;
  constructor(name: string) {
    this.name = name;
  }
}

export interface Instruction {
  readonly op: Op;
  /** System call number, condition index, or width; 0 where the op has none. */
  readonly number: number;
  readonly into: Slot | undefined;
  readonly operands: readonly Operand[];
  readonly target: Label | undefined;
  /** Errno values that go to the target; `"any"` for all. */
  readonly errnos: readonly number[] | "any";
  /** Index into {@link Program.steps}: why this instruction is here. */
  readonly step: number;
}

/** Why a run of instructions is in the program: the unit in which errors and `explain` speak. */
export interface Step {
  /** Completes "Cannot ...": `mount proc at "/proc"`. */
  readonly action: string;
  /** Configuration field that asked for it: `mounts[0]`. */
  readonly field: string | undefined;
  /** One sentence for the reader of `explain`: the purpose, or the CVE that the order prevents. */
  readonly why: string | undefined;
  /** Which of the program's processes runs it: `reaper`, `init`. */
  readonly role: string;
}

/** An absolute address to be written into the image when the load address is known. */
export interface Relocation {
  readonly at: number;
  readonly to: number;
}
