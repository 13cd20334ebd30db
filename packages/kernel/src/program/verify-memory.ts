import { CLONE_ARGS, IOVEC, MSGHDR, SIGACTION } from "../abi/structs.ts";
import { DATA_END, REQUEST_ADDRESS, TEXT_ADDRESS } from "../machine/memory-layout.ts";
import type { ImageView, Range, Word } from "./image-view.ts";
import { Immediate, type Instruction, Pointer } from "./instruction.ts";
import { type CallContext, type CallSignature, CLONE_FLAGS_REFUSED, resolvedKind } from "./verify-call.ts";

/** Most elements of an iovec (include/uapi/linux/uio.h, UIO_MAXIOV). */
const IOVEC_COUNT_MAX = 1024;
/** SIG_DFL and SIG_IGN; anything above is code. */
const SIG_IGN = 1n;

/** Where the program writes; `value` when it is one number of 8 bytes, known when the program is written. */
interface Write extends Range {
  readonly value?: bigint;
}

/** What must not be written; `limit` when a number up to it may be. */
interface Seal extends Range {
  readonly limit?: bigint;
}

/**
 * Follows the pointers inside structures.
 *
 * Where the kernel is led by the content of memory (the buffers of a message, the entry of a signal handler, the stack
 * of a clone), that content must be right when the program is written, and nothing in the program may write it.
 */
export class MemoryCheck {
  readonly #context: CallContext;
  readonly #sealed: Seal[] = [];
  readonly #written: Write[] = [];

  constructor(context: CallContext) {
    this.#context = context;
  }

  get #image(): ImageView {
    return this.#context.image;
  }

  /** Takes in a store. */
  store({ number, operands }: Instruction): void {
    const [base, offset, , value] = operands;
    if (!(base instanceof Pointer)) return;
    const exact = offset instanceof Immediate;
    const start = base.offset + (exact ? Number(offset.value) : 0);
    const end = exact ? start + number : base.offset + base.length;
    const known = exact && number === 8 && value instanceof Immediate;
    this.#written.push(known ? { start, end, value: value.value } : { start, end });
  }

  /** Takes in a system call; says why its structures are refused, or undefined. */
  call(signature: CallSignature, instruction: Instruction): string | undefined {
    if (signature.writes) this.#takeArguments(signature, instruction);
    const [first, second] = instruction.operands;
    const { name } = signature;
    switch (name) {
      case "clone3":
        return first instanceof Pointer ? this.#cloneArguments(first, second) : "clone3: no structure of its own";
      case "rt_sigaction":
        return second instanceof Pointer ? this.#signalAction(second) : undefined;
      case "sendmsg":
      case "recvmsg":
        return second instanceof Pointer ? this.#message(second, name === "recvmsg") : undefined;
      case "bpf":
        return second instanceof Pointer ? this.#bpfAttributes(second) : "bpf: no structure of its own";
      default:
        return undefined;
    }
  }

  /** After all instructions: where something is written that must not be, or undefined. */
  conflict(): Range | undefined {
    return this.#sealed.find((seal) => this.#written.some((write) => breaks(write, seal)));
  }

  /** What the kernel may write through the arguments themselves. */
  #takeArguments(signature: CallSignature, { operands }: Instruction): void {
    const { name } = signature;
    for (const [index, operand] of operands.entries()) {
      if (!(operand instanceof Pointer)) continue;
      const { letter = "", parameter = 0 } = resolvedKind(signature, index, operands) ?? {};
      const structure = index === 1 && (name === "rt_sigaction" || name === "sendmsg" || name === "recvmsg");
      if ((letter === "p" || letter === "P") && !structure) {
        this.#write(operand.offset, Math.max(parameter, operand.length));
      }
      // The bpf attributes are written back, no further than they reach.
      if ((letter !== "b" && letter !== "B") || name === "bpf") continue;
      const length = operands[parameter];
      this.#write(operand.offset, length instanceof Immediate ? Number(length.value) : this.#image.length);
    }
  }

  #write(start: number, length: number): void {
    this.#written.push({ start, end: start + length });
  }

  /** The word at `at`, which must not change. */
  #seal(at: number): Word | undefined {
    this.#sealed.push({ start: at, end: at + 8 });
    return this.#image.word(at);
  }

  /** A length, which may become less, and be set again to what it was. */
  #sealLength(at: number): void {
    const word = this.#image.word(at);
    const limit = word !== undefined && "value" in word ? word.value : 0n;
    this.#sealed.push({ start: at, end: at + 8, limit });
  }

  /** A sealed pointer: null, or the address of an object. */
  #isPointer(at: number): boolean {
    const word = this.#seal(at);
    return word !== undefined && ("to" in word || word.value === 0n);
  }

  #cloneArguments(base: Pointer, size: unknown): string | undefined {
    if (!(size instanceof Immediate)) return "clone3: the size is not known before the program runs";
    const present = (field: keyof typeof CLONE_ARGS.fields): number | undefined => {
      const { offset } = CLONE_ARGS.fields[field];
      return BigInt(offset) + 8n <= size.value ? base.offset + offset : undefined;
    };
    const flagsAt = present("flags");
    const flags = flagsAt === undefined ? undefined : this.#seal(flagsAt);
    if (flags === undefined || "to" in flags) return "clone3: no flags";
    if ((flags.value & CLONE_FLAGS_REFUSED) !== 0n) return "clone3: the flags would share memory";
    for (const field of ["stack", "stack_size", "tls", "child_tid", "parent_tid"] as const) {
      const at = present(field);
      const word = at === undefined ? { value: 0n } : this.#seal(at);
      if (word === undefined || "to" in word || word.value !== 0n) return `clone3: ${field} is set`;
    }
    for (const field of ["pidfd", "set_tid"] as const) {
      const at = present(field);
      if (at !== undefined && !this.#isPointer(at)) return `clone3: ${field} is no pointer`;
      const word = at === undefined ? undefined : this.#image.word(at);
      if (field === "pidfd" && word !== undefined && "to" in word) this.#write(word.to, 4);
    }
    return undefined;
  }

  #signalAction(base: Pointer): string | undefined {
    const handler = this.#seal(base.offset + SIGACTION.fields.handler.offset);
    const fine = handler !== undefined && "value" in handler && handler.value <= SIG_IGN;
    return fine ? undefined : "rt_sigaction: the machine has no signal handlers";
  }

  #message(base: Pointer, receives: boolean): string | undefined {
    const { msg_name, msg_iov, msg_iovlen, msg_control, msg_controllen } = MSGHDR.fields;
    for (const { offset } of [msg_name, msg_control]) {
      if (!this.#isPointer(base.offset + offset)) return "a message whose name or control is no pointer";
    }
    const [vector, count] = [this.#seal(base.offset + msg_iov.offset), this.#seal(base.offset + msg_iovlen.offset)];
    if (count === undefined || "to" in count || count.value > IOVEC_COUNT_MAX) return "a message of too many buffers";
    if (vector === undefined || ("value" in vector && count.value > 0n)) return "a message whose vector is no pointer";
    for (let index = 0; index < count.value && "to" in vector; index++) {
      if (!this.#buffer(vector.to + index * IOVEC.size, receives)) return "a message whose buffer is no pointer";
    }
    if (receives) {
      this.#sealLength(base.offset + msg_controllen.offset);
      this.#writeThrough(base.offset + msg_control.offset, base.offset + msg_controllen.offset);
      // No limit is known: msg_namelen is written by the kernel, and read again by the next call.
      this.#writeThrough(base.offset + msg_name.offset, undefined);
    }
    return undefined;
  }

  /** One element of an iovec. */
  #buffer(at: number, receives: boolean): boolean {
    const base = this.#seal(at + IOVEC.fields.iov_base.offset);
    if (base === undefined) return false;
    if ("value" in base) {
      const inArea = base.value >= REQUEST_ADDRESS && base.value < DATA_END;
      return base.value === 0n || (inArea && (!receives || this.#context.mayWriteRequests));
    }
    if (receives) {
      this.#sealLength(at + IOVEC.fields.iov_len.offset);
      this.#writeThrough(at + IOVEC.fields.iov_base.offset, at + IOVEC.fields.iov_len.offset);
    }
    return true;
  }

  /** The kernel writes where the pointer at `at` points, as many bytes as the word at `lengthAt` says, or without limit. */
  #writeThrough(at: number, lengthAt: number | undefined): void {
    const [pointer, length] = [this.#image.word(at), lengthAt === undefined ? undefined : this.#image.word(lengthAt)];
    if (pointer === undefined || "value" in pointer) return;
    const limit = length !== undefined && "value" in length ? Number(length.value) : this.#image.length;
    this.#write(pointer.to, limit);
  }

  /** No number in them that would be an address of the machine: its log and its answers go where they point. */
  #bpfAttributes(base: Pointer): string | undefined {
    for (let at = base.offset; at + 8 <= base.offset + base.length; at += 8) {
      const word = this.#image.word(at);
      const isAddress = word !== undefined && "value" in word && word.value >= TEXT_ADDRESS && word.value < DATA_END;
      if (word === undefined || isAddress) return "bpf: a number where an object's address belongs";
      if ("to" in word) this.#seal(at);
    }
    return undefined;
  }
}

function breaks(write: Write, seal: Seal): boolean {
  if (write.start >= seal.end || seal.start >= write.end) return false;
  const same = write.start === seal.start && write.end === seal.end;
  return !(same && seal.limit !== undefined && write.value !== undefined && write.value <= seal.limit);
}
