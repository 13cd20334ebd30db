import type { Architecture } from "../abi/architecture.ts";
import { type ArgumentKind, SYSCALLS, type SyscallName, syscallArguments, syscallNumber } from "../abi/syscalls.ts";
import { DATA_END, REQUEST_ADDRESS, SLOTS_ADDRESS, TEXT_ADDRESS } from "../machine/memory-layout.ts";
import { commandArgument } from "./command-arguments.ts";
import type { ImageView } from "./image-view.ts";
import { Immediate, type Instruction, type Operand, Pointer, Slot } from "./instruction.ts";

/** A system call as the verifier sees it: the table's row, taken apart once. */
export interface CallSignature {
  readonly name: SyscallName;
  readonly kinds: readonly ParsedKind[];
  /** Whether the kernel may write to its buffers. */
  readonly writes: boolean;
  /** Whether an argument leads the kernel to memory other than a string: most calls have none. */
  readonly touchesMemory: boolean;
}

/** An {@link ArgumentKind}: its letter, and the number behind it. */
interface ParsedKind {
  readonly letter: string;
  readonly parameter: number;
}

const SIGNATURES: Readonly<Record<Architecture, Map<number, CallSignature>>> = {
  x86_64: new Map(),
  aarch64: new Map(),
};
const NAMES: Readonly<Record<Architecture, ReadonlyMap<number, SyscallName>>> = {
  x86_64: namesByNumber("x86_64"),
  aarch64: namesByNumber("aarch64"),
};

function namesByNumber(architecture: Architecture): Map<number, SyscallName> {
  const names = Object.keys(SYSCALLS) as SyscallName[];
  return new Map(names.map((name) => [syscallNumber(name, architecture), name]));
}

function parseKind(kind: ArgumentKind): ParsedKind {
  return { letter: kind.charAt(0), parameter: kind.length > 1 ? Number(kind.slice(1)) : 0 };
}

/** The call of that number, or undefined when programs may not make it. */
export function callSignature(number: number, architecture: Architecture): CallSignature | undefined {
  const known = SIGNATURES[architecture].get(number);
  if (known !== undefined) return known;
  const name = NAMES[architecture].get(number);
  if (name === undefined) return undefined;
  const kinds = syscallArguments(name).map(parseKind);
  const touchesMemory = kinds.some(({ letter }) => "pPbBo".includes(letter));
  const signature = { name, kinds, writes: !READING_CALLS.has(name), touchesMemory };
  SIGNATURES[architecture].set(number, signature);
  return signature;
}

/** Calls whose buffers the kernel only reads. All others are taken to write them. */
const READING_CALLS: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "bind",
  "clone3",
  "connect",
  "fsconfig",
  "lsetxattr",
  "mount_setattr",
  "openat2",
  "pwrite64",
  "sched_setaffinity",
  "sendto",
  "setdomainname",
  "sethostname",
  "setsockopt",
  "write",
]);

/** What an argument is, the command's word on it included. */
export function resolvedKind(call: CallSignature, index: number, operands: readonly Operand[]): ParsedKind | undefined {
  const kind = call.kinds[index];
  if (kind?.letter !== "o") return kind;
  const resolved = commandArgument(call.name, index, operands);
  return resolved === undefined ? undefined : parseKind(resolved);
}

/** Whether the verifier says the same of the call whatever number it is given there: it is no length, address or command. */
export function takesAnyNumber({ name, kinds }: CallSignature, index: number): boolean {
  if (name === "madvise" || name === "clone" || kinds.some(({ letter }) => letter === "o")) return false;
  const isLength = kinds.some(({ letter, parameter }) => "bB".includes(letter) && parameter === index);
  return !isLength && "di".includes(kinds[index]?.letter ?? "p");
}

/** The surroundings that an argument is judged in. */
export interface CallContext {
  readonly image: ImageView;
  /** Whether the slot only ever holds addresses of the program's own objects. */
  isAddressSlot(index: number): boolean;
  /** Whether the slot only ever leads to the process's arguments. */
  isStackSlot(index: number): boolean;
  /** False for a program in the request area: it would overwrite itself there. */
  readonly mayWriteRequests: boolean;
}

/** Why the call is refused, or undefined. */
export function checkCall(call: CallSignature, { operands }: Instruction, context: CallContext): string | undefined {
  const { name, kinds } = call;
  if (operands.length !== kinds.length) return `${operands.length} arguments where ${name} takes ${kinds.length}`;
  // This and the loops below it run for every operand of every program: an index is a third of an iterator's cost.
  for (let index = 0; index < operands.length; index++) {
    const operand = operands[index] as Operand;
    const kind = resolvedKind(call, index, operands);
    const problem =
      kind === undefined
        ? "the command is not known before the program runs"
        : checkArgument({ call, kind, operands, operand, context });
    if (problem !== undefined) return `argument ${index} of ${name}: ${problem}`;
  }
  if (name === "clone") return checkClone(operands);
  if (name === "madvise") return checkAdvice(operands, context);
  return undefined;
}

interface Argument {
  readonly call: CallSignature;
  readonly kind: ParsedKind;
  readonly operands: readonly Operand[];
  readonly operand: Operand;
  readonly context: CallContext;
}

function checkArgument(argument: Argument): string | undefined {
  const { kind, operand, context } = argument;
  const { letter, parameter } = kind;
  if (letter === "d" || letter === "i") return operand instanceof Pointer ? "a pointer for a number" : undefined;
  if (operand instanceof Immediate && operand.value === 0n && "SPB".includes(letter)) return undefined;
  // A string or a vector is only read, and the kernel judges its address.
  if (operand instanceof Slot && "svS".includes(letter) && context.isStackSlot(operand.index)) return undefined;
  if (!(operand instanceof Pointer)) {
    return "bB".includes(letter) ? checkRawBuffer(argument, operand) : "it is not a pointer";
  }
  const range = { start: operand.offset, end: operand.offset + operand.length };
  switch (letter.toLowerCase()) {
    case "p":
      return operand.length < parameter ? `${operand.length} bytes where ${parameter} are needed` : undefined;
    case "s":
      return context.image.hasTerminator(range) ? undefined : "a string without an end";
    case "v":
      return context.image.hasNullPointer(range) ? undefined : "a vector without an end";
    case "b": {
      const length = argument.operands[parameter];
      const tooLong = length instanceof Immediate && length.value > BigInt(operand.length);
      return tooLong ? `a buffer of ${operand.length} bytes for ${length.value}` : undefined;
    }
    default:
      return `of unknown kind ${letter}`;
  }
}

/**
 * A buffer that is given by its absolute address. Only the request area may be written so, and the machine's own code
 * and the request area be read; an address that is computed must begin at an object of the program, and be read from.
 */
function checkRawBuffer({ call, kind, operands, context }: Argument, operand: Immediate | Slot): string | undefined {
  const { writes } = call;
  if (!(operand instanceof Immediate)) {
    if (writes) return "the kernel would write to a computed address";
    return context.isAddressSlot(operand.index) || context.isStackSlot(operand.index)
      ? undefined
      : `slot ${operand.name} holds no address`;
  }
  if (writes && !context.mayWriteRequests) return "the request area is written by the program in it";
  const [start, end] =
    !writes && operand.value < SLOTS_ADDRESS ? [TEXT_ADDRESS, SLOTS_ADDRESS] : [REQUEST_ADDRESS, DATA_END];
  const length = operands[kind.parameter];
  const last = operand.value + (length instanceof Immediate ? length.value : 0n);
  return operand.value < start || last > end ? "an address outside the area" : undefined;
}

/**
 * Flags of clone(2) that would make two processes share the machine's memory, or the kernel write to it unasked:
 * CLONE_VM, SIGHAND, THREAD, SETTLS, PARENT_SETTID, CHILD_CLEARTID and CHILD_SETTID (include/uapi/linux/sched.h).
 */
export const CLONE_FLAGS_REFUSED: bigint = 0x100n | 0x800n | 0x10000n | 0x80000n | 0x100000n | 0x200000n | 0x1000000n;
const CLONE_PIDFD = 0x1000n;

function checkClone([flags, stack, pidfd, ...rest]: readonly Operand[]): string | undefined {
  if (!(flags instanceof Immediate)) return "clone: the flags are not known before the program runs";
  if ((flags.value & CLONE_FLAGS_REFUSED) !== 0n) return "clone: the flags would share memory";
  if (!isZero(stack) || !rest.every(isZero)) return "clone: a stack or a thread's data";
  return (flags.value & CLONE_PIDFD) !== 0n && !(pidfd instanceof Pointer)
    ? "clone: nowhere to put the pidfd"
    : undefined;
}

function isZero(operand: Operand | undefined): boolean {
  return operand instanceof Immediate && operand.value === 0n;
}

/** From outside, madvise(2) may empty the request area, and nothing else. */
function checkAdvice([start, length]: readonly Operand[], { mayWriteRequests }: CallContext): string | undefined {
  // Of the area that the program is in: see verify-advice.ts.
  if (!mayWriteRequests) return undefined;
  if (!(start instanceof Immediate && length instanceof Immediate)) return "madvise: not known before the program runs";
  const inside = start.value >= REQUEST_ADDRESS && start.value + length.value <= DATA_END;
  return inside ? undefined : "madvise: outside the request area";
}
