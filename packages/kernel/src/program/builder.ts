import assert from "node:assert/strict";
import type { Architecture } from "../abi/architecture.ts";
import { CONSTANTS, type ConstantName, constant } from "../abi/constants.ts";
import { errnoNumber } from "../abi/errno.ts";
import { type SyscallName, syscallNumber } from "../abi/syscalls.ts";
import { BOOT_ADDRESS, BOOT_MAX_BYTES, REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import {
  CONDITIONS,
  type Condition,
  ERRNO_LIST_MAX,
  FAILED_ERRNO_SLOT,
  FAILED_INDEX_SLOT,
  Given,
  Immediate,
  INSTRUCTION_BYTES,
  type Instruction,
  Label,
  type Op,
  type Operand,
  Pointer,
  REQUEST_SLOT,
  type Relocation,
  SLOT_COUNT,
  Slot,
  STACK_SLOT,
  type Step,
} from "./instruction.ts";
import { HEADER_BYTES, type Program, pageBytes } from "./program.ts";
import { type FieldValue, fieldWidth, type StructLayout } from "./struct-layout.ts";

/** What a caller may write as an operand: numbers become immediates. */
export type Value = number | bigint | Operand;

export interface CallOptions {
  /** Slot for the result. */
  readonly into?: Slot;
  /** Errno names that count as success: the next instruction follows. */
  readonly ignore?: readonly string[] | "any";
  /** Errno names that jump to `goto`; `ignore` and `on` exclude each other. */
  readonly on?: readonly string[] | "any";
  readonly goto?: Label;
}

/** What is said of a step; the role is the builder's current one. */
interface StepOptions {
  readonly action: string;
  readonly field?: string | undefined;
  readonly why?: string | undefined;
}

/** Instructions whose memory is given back by the one at `index`. */
interface Forgotten {
  readonly index: number;
  readonly from: Label | undefined;
  readonly to: Label | undefined;
}

const WIDTH_MAX = 8;

/** Texts of flags come from our sources, so there are not many; each is looked up once. */
const FLAGS: Readonly<Record<Architecture, Map<string, Immediate>>> = { x86_64: new Map(), aarch64: new Map() };

/** Size of the memory that {@link ProgramBuilder.scratch} hands out. */
const SCRATCH_BYTES = 4096;

/** A container's program has an image of about 10 kB. */
const IMAGE_START_BYTES = 16384;

/**
 * Writes a {@link Program}.
 *
 * Every instruction belongs to the step announced last, so each one has a reason; memory objects are written as
 * they are first needed, equal strings once. After {@link build} the builder must not be used again.
 */
export class ProgramBuilder {
  readonly architecture: Architecture;
  readonly #instructions: Instruction[] = [];
  readonly #steps: Step[] = [];
  readonly #slots = new Map<string, Slot>();
  readonly #texts = new Map<string, Pointer>();
  readonly #relocations: Relocation[] = [];
  readonly #forgotten: Forgotten[] = [];
  #image = Buffer.alloc(IMAGE_START_BYTES);
  #imageLength = 0;
  #scratch: Pointer | undefined;
  #role = "program";

  /** Slots the machine fills in before it jumps to the failure handler. */
  readonly failedIndex: Slot;
  readonly failedErrno: Slot;
  /** Slot that holds the id under which reports are sent. */
  readonly request: Slot;
  /** Slot with the address of the process's arguments: argc as 64 bits, then argv and envp, each with a null at its end. */
  readonly stack: Slot;

  constructor(architecture: Architecture) {
    this.architecture = architecture;
    this.failedIndex = this.slot("failed_index");
    this.failedErrno = this.slot("failed_errno");
    this.request = this.slot("request");
    this.stack = this.slot("stack");
    assert(this.failedIndex.index === FAILED_INDEX_SLOT && this.failedErrno.index === FAILED_ERRNO_SLOT);
    assert(this.request.index === REQUEST_SLOT && this.stack.index === STACK_SLOT);
  }

  /** The slot of that name; the same name gives the same slot. */
  slot(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      assert(this.#slots.size < SLOT_COUNT, "a program has 255 slots");
      slot = new Slot(this.#slots.size, name);
      this.#slots.set(name, slot);
    }
    return slot;
  }

  /** Constants joined by `|`: `flags("O_PATH|O_CLOEXEC")`; "0" for none. */
  flags(text: string): Immediate {
    const known = FLAGS[this.architecture].get(text);
    if (known !== undefined) return known;
    let value = 0n;
    for (const name of text.split("|")) {
      if (name === "0" || name === "") continue;
      assert(Object.hasOwn(CONSTANTS, name), `no constant is called ${name}`);
      value |= BigInt.asUintN(64, constant(name as ConstantName, this.architecture));
    }
    const flags = new Immediate(value, text === "" ? "0" : text);
    FLAGS[this.architecture].set(text, flags);
    return flags;
  }

  /** A number with the form in which `explain` prints it. */
  number(value: number | bigint, show: string = String(value)): Immediate {
    return new Immediate(BigInt.asUintN(64, BigInt(value)), show);
  }

  /** A number, as an argument of a system call or to compare with, that a template of the program has under this name. */
  given(name: string, value: number): Given {
    return new Given(name, BigInt.asUintN(64, BigInt(value)));
  }

  /** A NUL-terminated string. Strings of equal content share their place: do not write into them. */
  text(value: string): Pointer {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    assert(!value.includes("\0"), "a string for the kernel holds no NUL");
    const pointer = this.bytes(Buffer.from(`${value}\0`), JSON.stringify(value));
    this.#texts.set(value, pointer);
    return pointer;
  }

  /** An object with these bytes, aligned to 8. */
  bytes(data: Uint8Array, show: string = `<${data.length} bytes>`): Pointer {
    const pointer = this.#allocate(data.length, show);
    this.#image.set(data, pointer.offset);
    return pointer;
  }

  /** An object of zero bytes for the kernel to write into. */
  buffer(length: number, show: string = "<buffer>"): Pointer {
    return this.#allocate(length, show);
  }

  /**
   * Memory for something that is used at once and then forgotten: the same for every caller, so that a program stays
   * small. At most {@link SCRATCH_BYTES}.
   */
  scratch(length: number, show: string): Pointer {
    assert(length <= SCRATCH_BYTES, "scratch memory is one page");
    this.#scratch ??= this.#allocate(SCRATCH_BYTES, "<scratch>");
    return new Pointer(this.#scratch.offset, length, show);
  }

  /** A kernel structure; fields not given are zero. */
  struct<Field extends string>(
    layout: StructLayout<Field>,
    values: Readonly<Partial<Record<NoInfer<Field>, FieldValue>>>,
  ): Pointer {
    const given = Object.entries<FieldValue | undefined>(values).filter((entry) => entry[1] !== undefined);
    const shown = given.filter(([, value]) => !isZero(value));
    const pointer = this.#allocate(
      layout.size,
      `{${shown.map(([name, value]) => `${name}=${showField(value)}`).join(", ")}}`,
    );
    for (const [name, value] of given) {
      const field = layout.fields[name as Field];
      this.#write(pointer.offset + field.offset, fieldWidth(field.type), value as FieldValue);
    }
    return pointer;
  }

  /** A null-terminated vector of strings, as execve(2) wants it. */
  vector(strings: readonly string[]): Pointer {
    const texts = strings.map((string) => this.text(string));
    const show = `[${strings.map((string) => JSON.stringify(string)).join(", ")}]`;
    const pointer = this.#allocate(8 * (texts.length + 1), show);
    for (const [index, text] of texts.entries()) this.#relocate(pointer.offset + 8 * index, text);
    return pointer;
  }

  label(name: string): Label {
    return new Label(name);
  }

  /** The label stands for the next instruction. */
  mark(label: Label): void {
    assert(label.index === undefined, `label ${label.name} is marked twice`);
    label.index = this.#instructions.length;
  }

  /** Names the process that runs what follows, until the next call. */
  role(role: string): void {
    this.#role = role;
  }

  /** Announces why the following instructions are there. */
  step(options: StepOptions): void {
    this.#steps.push({ action: options.action, field: options.field, why: options.why, role: this.#role });
  }

  call(name: SyscallName, args: readonly Value[], options: CallOptions = {}): void {
    assert(options.ignore === undefined || options.on === undefined, "ignore and on exclude each other");
    const names = options.ignore ?? options.on ?? [];
    const errnos = names === "any" ? "any" : names.map(errnoNumber);
    assert(errnos === "any" || errnos.length <= ERRNO_LIST_MAX, "an instruction names at most four errno values");
    // To ignore nothing is to ignore none.
    const next = (options.ignore ?? []).length === 0 ? options.goto : this.label("next");
    assert(errnos.length > 0 === (next !== undefined), "errno values and their target come together");
    this.#emit("syscall", syscallNumber(name, this.architecture), args, options.into, next, errnos);
    if ((options.ignore ?? []).length > 0 && next !== undefined) this.mark(next);
  }

  jump(target: Label): void {
    this.#emit("jump", 0, [], undefined, target);
  }

  /** Jumps when `a` stands in `condition` to `b`, both taken as unsigned 64-bit values. */
  branch(a: Value, condition: Condition, b: Value, target: Label): void {
    this.#emit("branch", CONDITIONS.indexOf(condition), [a, b], undefined, target);
  }

  /** Reads `width` bytes at `pointer` plus `offset`; an offset in a slot is bounded by the object's length. */
  load(into: Slot, pointer: Pointer, width: 1 | 2 | 4 | 8, offset: Value = 0): void {
    assert(pointer.length >= width, "the object is shorter than the value");
    this.#emit("load", width, [pointer, offset, pointer.length - width], into, undefined);
  }

  /** Writes the low `width` bytes of `value` at `pointer` plus `offset`. */
  store(pointer: Pointer, width: 1 | 2 | 4 | 8, value: Value, offset: Value = 0): void {
    assert(pointer.length >= width && width <= WIDTH_MAX, "the object is shorter than the value");
    this.#emit("store", width, [pointer, offset, pointer.length - width, value], undefined, undefined);
  }

  add(into: Slot, a: Value, b: Value): void {
    this.#emit("add", 0, [a, b], into, undefined);
  }

  and(into: Slot, a: Value, b: Value): void {
    this.#emit("and", 0, [a, b], into, undefined);
  }

  /** `into = value`. */
  set(into: Slot, value: Value): void {
    this.add(into, value, 0);
  }

  /** Goes over to the program at an absolute address. */
  enter(address: number): void {
    this.#emit("enter", 0, [this.number(address, `0x${address.toString(16)}`)], undefined, undefined);
  }

  /** Fails with an errno by its name, or with the one that the slot holds. */
  fail(errno: string | Slot): void {
    const operand = typeof errno === "string" ? this.number(errnoNumber(errno), errno) : errno;
    this.#emit("fail", 0, [operand], undefined, undefined);
  }

  handler(target: Label): void {
    this.#emit("handler", 0, [], undefined, target);
  }

  /**
   * Gives back the memory of the instructions between two labels, those of whole pages; absent, from the first or to the
   * last. For a program in the request area, which will not come there again. Sets the handler.
   */
  forget({ from, to, handler }: Omit<Forgotten, "index"> & { readonly handler: Label }): void {
    this.handler(handler);
    this.#forgotten.push({ index: this.#instructions.length, from, to });
    // Where it is depends on what will yet be written.
    this.call("madvise", [0, 0, this.flags("MADV_DONTNEED")], { ignore: "any" });
  }

  /**
   * Gives back the memory of the program that started this one, which is there in a copy. For a program in the request area
   * that enters no other. Sets the handler. Where a page is larger than what is before that program, nothing.
   */
  forgetStarter(handler: Label): void {
    this.handler(handler);
    const page = pageBytes(this.architecture);
    const start = Math.ceil(BOOT_ADDRESS / page) * page;
    const length = Math.max(0, Math.floor((BOOT_ADDRESS + BOOT_MAX_BYTES) / page) * page - start);
    const place = [this.number(start, "<starter>"), this.number(length)];
    this.call("madvise", [...place, this.flags("MADV_DONTNEED")], { ignore: "any" });
  }

  #placeForgotten({ index, from, to }: Forgotten): void {
    const page = pageBytes(this.architecture);
    const address = (at: number): number => REQUEST_ADDRESS + HEADER_BYTES + at * INSTRUCTION_BYTES;
    const [first, last] = [from?.index ?? 0, to?.index ?? this.#instructions.length];
    const start = Math.ceil(address(first) / page) * page;
    const length = Math.max(0, Math.floor(address(last) / page) * page - start);
    const instruction = this.#instructions[index] as Instruction;
    const place = [this.number(start, `<instructions ${first} to ${last}>`), this.number(length)];
    this.#instructions[index] = { ...instruction, operands: [...place, ...instruction.operands.slice(2)] };
  }

  build(): Program {
    for (const each of this.#forgotten) this.#placeForgotten(each);
    return {
      architecture: this.architecture,
      instructions: this.#instructions,
      steps: this.#steps,
      image: this.#image.subarray(0, this.#imageLength),
      relocations: this.#relocations,
      slots: [...this.#slots.values()],
    };
  }

  #emit(
    op: Op,
    number: number,
    args: readonly Value[],
    into: Slot | undefined,
    target: Label | undefined,
    errnos: readonly number[] | "any" = [],
  ): void {
    assert(this.#steps.length > 0, "announce a step before the first instruction");
    const operands = args.map((arg) => (typeof arg === "object" ? arg : this.number(arg)));
    this.#instructions.push({ op, number, into, operands, target, errnos, step: this.#steps.length - 1 });
  }

  #allocate(length: number, show: string): Pointer {
    const offset = Math.ceil(this.#imageLength / 8) * 8;
    const end = offset + length;
    if (end > this.#image.length) {
      const larger = Buffer.alloc(Math.max(end, this.#image.length * 2));
      this.#image.copy(larger, 0, 0, this.#imageLength);
      this.#image = larger;
    }
    this.#imageLength = end;
    return new Pointer(offset, length, show);
  }

  #relocate(at: number, to: Pointer): void {
    this.#relocations.push({ at, to: to.offset });
  }

  #write(at: number, width: number, value: FieldValue): void {
    if (value instanceof Pointer) {
      this.#relocate(at, value);
    } else if (value instanceof Uint8Array) {
      assert(value.length <= width, "the field is shorter than the bytes");
      this.#image.set(value, at);
    } else {
      let rest = BigInt.asUintN(64, value instanceof Immediate ? value.value : BigInt(value));
      for (let index = 0; index < width; index++, rest >>= 8n) this.#image[at + index] = Number(rest & 0xffn);
    }
  }
}

/** Fields that are zero go without saying. */
function isZero(value: FieldValue | undefined): boolean {
  return value === 0 || value === 0n || (value instanceof Immediate && value.value === 0n);
}

function showField(value: FieldValue | undefined): string {
  if (value instanceof Immediate || value instanceof Pointer) return value.show;
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString("latin1");
    return /^[ -~]+$/.test(text) ? JSON.stringify(text) : `0x${Buffer.from(value).toString("hex")}`;
  }
  return String(value);
}
