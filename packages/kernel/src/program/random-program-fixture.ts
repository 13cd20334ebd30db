import type { Architecture } from "../abi/architecture.ts";
import { constant } from "../abi/constants.ts";
import { MSGHDR, SIGACTION } from "../abi/structs.ts";
import { type SyscallName, syscallArguments, syscallNumber } from "../abi/syscalls.ts";
import { BOOT_ADDRESS, DATA_END, REQUEST_ADDRESS, SLOTS_ADDRESS, TEXT_ADDRESS } from "../machine/memory-layout.ts";
import {
  Immediate,
  type Instruction,
  Label,
  OPS,
  type Op,
  type Operand,
  Pointer,
  type Relocation,
  Slot,
} from "./instruction.ts";
import { HEADER_BYTES, type Program } from "./program.ts";

/** Numbers that look random and are the same for the same seed (Tommy Ettinger's mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** An integer from 0 up to `limit`, exclusive. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** True in `percent` of all cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** Calls that do nothing to the machine they run on, in any order and with any argument that {@link isHarmless} allows. */
const HARMLESS: readonly SyscallName[] = [
  "clock_gettime",
  "close",
  "dup3",
  "faccessat2",
  "fcntl",
  "fstatfs",
  "getcwd",
  "getpid",
  "getppid",
  "getuid",
  "lseek",
  "newfstatat",
  "openat",
  "pipe2",
  "ppoll",
  "read",
  "readlinkat",
  "recvfrom",
  "recvmsg",
  "rt_sigaction",
  "sendmsg",
  "sendto",
  "socketpair",
  "statx",
  "umask",
  "write",
];
const STRINGS = ["/dev/null", "/dev/zero", "/proc/self/exe", ".", ""];
/** F_DUPFD_CLOEXEC, F_GETFD, F_SETFD and F_GETFL. */
const FCNTL_COMMANDS: readonly bigint[] = [1030n, 1n, 2n, 3n];
/** O_RDONLY with O_CLOEXEC, and with O_NONBLOCK. */
const OPEN_FLAGS: readonly bigint[] = [0n, 0o2000000n, 0o4000n];
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  4n,
  7n,
  8n,
  16n,
  64n,
  255n,
  4096n,
  2n ** 32n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 100n,
];
const SLOTS_USED = 12;
const AREAS = [REQUEST_ADDRESS, REQUEST_ADDRESS, REQUEST_ADDRESS, BOOT_ADDRESS];
/** Where a stray write would hurt, and where nothing is. */
const ADDRESSES = [
  0,
  TEXT_ADDRESS,
  SLOTS_ADDRESS,
  BOOT_ADDRESS,
  BOOT_ADDRESS + HEADER_BYTES,
  REQUEST_ADDRESS,
  DATA_END,
];
const WIDTHS = [1, 2, 4, 8];

/** Whether the program may be executed on a machine that somebody works on. */
export function isHarmless({ architecture, instructions }: Program): boolean {
  const names = new Map([...HARMLESS, "exit_group" as const].map((name) => [syscallNumber(name, architecture), name]));
  return instructions.every(({ op, number, operands }) => {
    if (op !== "syscall") return true;
    const isOneOf = (operand: Operand | undefined, values: readonly bigint[]): boolean =>
      operand instanceof Immediate && values.includes(operand.value);
    switch (names.get(number)) {
      case undefined:
        return false;
      case "openat":
        return isOneOf(operands[2], OPEN_FLAGS);
      case "fcntl":
        return isOneOf(operands[1], FCNTL_COMMANDS);
      default:
        return true;
    }
  });
}

/** A program of all instructions and {@link HARMLESS} calls, which the verifier may or may not accept. */
export function randomProgram(random: Random, architecture: Architecture): Program {
  return new RandomWriter(random, architecture).write();
}

class RandomWriter {
  readonly #random: Random;
  readonly #architecture: Architecture;
  readonly #slots = Array.from({ length: SLOTS_USED }, (_, index) => new Slot(index, `s${index}`));
  readonly #objects: Pointer[] = [];
  readonly #strings: Pointer[] = [];
  readonly #messages: Pointer[] = [];
  readonly #relocations: Relocation[] = [];
  readonly #image = Buffer.alloc(4096);
  readonly #careless: boolean;
  #length = 0;

  constructor(random: Random, architecture: Architecture) {
    this.#random = random;
    this.#architecture = architecture;
    this.#careless = random.chance(50);
    for (const text of STRINGS) this.#strings.push(this.#object(Buffer.from(`${text}\0`)));
    for (let count = random.below(4); count >= 0; count--) this.#addObject();
    if (random.chance(30)) this.#addMessage();
    for (let count = random.below(3); count > 0; count--) this.#addObject();
  }

  write(): Program {
    const random = this.#random;
    const count = 1 + random.below(30);
    const instructions = Array.from({ length: count }, (_, index) => this.#instruction(index, count));
    if (!this.#goesWild()) instructions.push(this.#make("syscall", "exit_group", [this.#number()]));
    return {
      architecture: this.#architecture,
      instructions,
      steps: [{ action: "be random", field: undefined, why: undefined, role: "fuzz" }],
      image: this.#image.subarray(0, this.#length),
      relocations: this.#relocations,
      slots: this.#slots,
    };
  }

  #object(content: Buffer): Pointer {
    const offset = Math.ceil(this.#length / 8) * 8;
    content.copy(this.#image, offset);
    this.#length = offset + content.length;
    return new Pointer(offset, content.length, "object");
  }

  #addObject(): void {
    const random = this.#random;
    const length = random.pick([0, 1, 4, 8, 16, SIGACTION.size, 144, 256]);
    const zero = random.chance(50);
    this.#objects.push(this.#object(Buffer.from(Array.from({ length }, () => (zero ? 0 : random.below(256))))));
  }

  /** A message of one buffer, as recvmsg(2) wants it. */
  #addMessage(): void {
    const buffer = this.#random.pick([...this.#objects, ...this.#strings]);
    const vector = this.#object(Buffer.alloc(16));
    this.#image.writeUInt32LE(this.#random.chance(80) ? buffer.length : 512, vector.offset + 8);
    const message = this.#object(Buffer.alloc(MSGHDR.size));
    this.#image.writeUInt8(1, message.offset + MSGHDR.fields.msg_iovlen.offset);
    this.#relocations.push({ at: vector.offset, to: buffer.offset });
    this.#relocations.push({ at: message.offset + MSGHDR.fields.msg_iov.offset, to: vector.offset });
    this.#messages.push(message);
  }

  #instruction(index: number, count: number): Instruction {
    const random = this.#random;
    const op = random.chance(50) ? "syscall" : random.pick(OPS);
    const target = this.#target(index, count);
    switch (op) {
      case "syscall":
        return this.#call(target);
      case "jump":
      case "handler":
        return this.#make(op, 0, [], undefined, target);
      case "branch":
        return this.#make(op, random.below(4), [this.#value(), this.#value()], undefined, target);
      case "load":
      case "store":
        return this.#access(op);
      case "add":
      case "and":
        return this.#make(
          op,
          0,
          [random.chance(30) ? this.#pointer() : this.#value(), this.#value()],
          random.pick(this.#slots),
        );
      case "enter":
        return this.#make(op, 0, [this.#goesWild() ? this.#wild() : immediate(BigInt(random.pick(AREAS)))]);
      case "fail":
        return this.#make(op, 0, [this.#value()]);
    }
  }

  /** Mostly forwards, so that most programs end. */
  #target(index: number, count: number): Label {
    const label = new Label("target");
    label.index = this.#random.chance(96) ? index + 1 + this.#random.below(count - index) : this.#random.below(count);
    return label;
  }

  #make(op: Op, number: number | SyscallName, operands: readonly Operand[], into?: Slot, target?: Label): Instruction {
    const value = typeof number === "string" ? syscallNumber(number, this.#architecture) : number;
    return { op, number: value, operands, into, target, errnos: [], step: 0 };
  }

  #access(op: "load" | "store"): Instruction {
    const random = this.#random;
    const [width, object] = [random.pick(WIDTHS), this.#pointer()];
    const bound = Math.max(object.length - width, 0);
    const base = this.#goesWild() ? this.#wild() : object;
    const offset = random.chance(40) ? random.pick(this.#slots) : immediate(BigInt(random.below(bound + 1)));
    const operands = [base, offset, this.#goesWild() ? this.#wild() : immediate(BigInt(bound))];
    if (op === "load") return this.#make(op, width, operands, random.pick(this.#slots));
    return this.#make(op, width, [...operands, random.chance(20) ? this.#pointer() : this.#value()]);
  }

  #call(target: Label): Instruction {
    const random = this.#random;
    const name = random.pick(HARMLESS);
    const kinds = syscallArguments(name);
    const operands = kinds.map((kind, index) => this.#argument(name, kind, index));
    for (const [index, kind] of kinds.entries()) {
      // Lengths mostly fit; those in slots are for the kernel to judge.
      const buffer = operands[index];
      if (!/^[bB]/.test(kind) || !(buffer instanceof Pointer) || !random.chance(90)) continue;
      operands[Number(kind.slice(1))] = random.chance(70) ? immediate(BigInt(buffer.length)) : random.pick(this.#slots);
    }
    const instruction = this.#make("syscall", name, operands, random.chance(60) ? random.pick(this.#slots) : undefined);
    if (random.chance(30)) return instruction;
    return { ...instruction, target, errnos: random.chance(70) ? "any" : [1 + random.below(255), 9, 14, 22] };
  }

  #argument(name: SyscallName, kind: string, index: number): Operand {
    const random = this.#random;
    if (name === "openat" && index === 2) return immediate(random.pick(OPEN_FLAGS));
    if (name === "fcntl" && index === 1) return immediate(random.pick(FCNTL_COMMANDS));
    if (name === "ppoll" && index > 1) return immediate(0n);
    if (this.#goesWild()) return this.#wild();
    switch (kind.charAt(0)) {
      case "d":
        return random.chance(50) ? immediate(constant("AT_FDCWD", this.#architecture) + 2n ** 64n) : this.#value();
      case "s":
      case "S":
        return random.pick(this.#strings);
      case "p":
      case "P":
        // qemu 7.2 puts a peer address of any length that a program names on its own stack.
        if (kind === "P0") return immediate(0n);
        if (kind === "p56" && this.#messages.length > 0) return random.pick(this.#messages);
        return random.chance(20) ? immediate(0n) : this.#pointer();
      case "b":
      case "B":
        return random.chance(95) ? this.#pointer() : immediate(BigInt(REQUEST_ADDRESS + random.below(4096)));
      default:
        return this.#value();
    }
  }

  /** Now and then, what a careless compiler might write and the verifier must find. */
  #goesWild(): boolean {
    return this.#careless && this.#random.chance(15);
  }

  #wild(): Operand {
    const address = immediate(BigInt(this.#random.pick(ADDRESSES) + 8 * this.#random.below(32)));
    return this.#random.pick<Operand>([address, this.#value(), this.#number(), this.#pointer()]);
  }

  #value(): Operand {
    return this.#random.chance(50) ? this.#number() : this.#random.pick(this.#slots);
  }

  #number(): Immediate {
    return immediate(this.#random.chance(70) ? BigInt(this.#random.below(10)) : this.#random.pick(NUMBERS));
  }

  #pointer(): Pointer {
    const pointer = this.#random.pick([...this.#objects, ...this.#strings, ...this.#messages]);
    return this.#random.chance(80) ? pointer : pointer.at(this.#random.below(pointer.length + 1));
  }
}

function immediate(value: bigint): Immediate {
  return new Immediate(BigInt.asUintN(64, value), String(value));
}
