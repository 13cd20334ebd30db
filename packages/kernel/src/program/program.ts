import assert from "node:assert/strict";
import { OrlopError } from "@orlop/core";
import type { Architecture } from "../abi/architecture.ts";
import {
  FIELDS,
  FLAG_ANY_ERRNO,
  INSTRUCTION_BYTES,
  type Instruction,
  NO_SLOT,
  OPS,
  type Operand,
  Pointer,
  type Relocation,
  Slot,
  type Step,
  TAGS,
} from "./instruction.ts";

/** A program as written: instructions, the memory they work on, and the reasons. Immutable. */
export interface Program {
  readonly architecture: Architecture;
  readonly instructions: readonly Instruction[];
  readonly steps: readonly Step[];
  /** Initial content of the memory. */
  readonly image: Uint8Array;
  readonly relocations: readonly Relocation[];
  readonly slots: readonly Slot[];
}

/**
 * The header in front of an encoded program; it is also the frame header on a zygote's socket.
 * Layout: magic u32, version u32, length u32 (of everything, header included), instruction count u32,
 * request id u32, place u32 (see {@link IN_PLACE}), token 16 bytes, zero 24 bytes.
 */
export const HEADER_BYTES = 64;
export const HEADER_MAGIC = 0x504c524f; // "ORLP"
/** Changes whenever instructions, header or machine change. */
export const MACHINE_VERSION = 2;
export const HEADER = { magic: 0, version: 4, length: 8, count: 12, request: 16, place: 20, token: 24 } as const;
export const TOKEN_BYTES = 16;
/** As the place of a frame: a zygote is to execute it itself, as the last it does, instead of in a child. */
export const IN_PLACE = 1;
/** As the place of a frame: there is nothing to execute, and whoever sends it is there. It ends with its header. */
export const ALIVE = 2;
/** As the place of a frame to a launcher: there is nothing to execute, and its call has begun. It ends with its header. */
export const BEGUN = 3;

/** Most bytes an encoded program may have; the machine's area for it is this large. */
export const PROGRAM_MAX_BYTES: number = 4 * 1024 * 1024;

/**
 * Multiples of this are borders of pages on every machine of the architecture, which on arm64 may have pages of 4, 16 or
 * 64 KiB.
 */
export function pageBytes(architecture: Architecture): number {
  return architecture === "x86_64" ? 0x1000 : 0x10000;
}

export interface EncodeOptions {
  /** Absolute address that the program will be read to. */
  readonly loadAddress: number;
  /** Proves to a zygote that the frame comes from the one who started it. */
  readonly token?: Uint8Array;
  /** Comes back in every report. */
  readonly request?: number;
  /** A zygote is to execute it itself. */
  readonly inPlace?: boolean;
  /** Gives so many bytes of memory, aligned to eight of them and filled with zeros; absent: new memory. */
  readonly memory?: (length: number) => Buffer;
}

/** The bytes that the machine executes. Throws `exhausted` when they exceed {@link PROGRAM_MAX_BYTES}. */
export function encodeProgram(program: Program, options: EncodeOptions): Buffer {
  const imageOffset = HEADER_BYTES + program.instructions.length * INSTRUCTION_BYTES;
  const length = imageOffset + program.image.length;
  if (length > PROGRAM_MAX_BYTES) {
    throw new OrlopError(
      "exhausted",
      `Cannot send program: its ${length} bytes exceed the limit PROGRAM_MAX_BYTES (${PROGRAM_MAX_BYTES})\n` +
        "Try a shorter command line, environment or mount list.",
    );
  }
  const out = options.memory?.(length) ?? Buffer.alloc(length);
  out.writeUInt32LE(HEADER_MAGIC, HEADER.magic);
  out.writeUInt32LE(MACHINE_VERSION, HEADER.version);
  out.writeUInt32LE(length, HEADER.length);
  out.writeUInt32LE(program.instructions.length, HEADER.count);
  addressFrame(out, options);
  encodeCode(out, program.instructions, imageOffset);
  out.set(program.image, imageOffset);
  for (const { at, to } of program.relocations) {
    out.writeBigUInt64LE(BigInt(options.loadAddress + imageOffset + to), imageOffset + at);
  }
  return out;
}

/** Writes what of a frame is not of the program in it. */
export function addressFrame(frame: Buffer, { request = 0, inPlace = false, token }: EncodeOptions): void {
  frame.writeUInt32LE(request, HEADER.request);
  frame.writeUInt32LE(inPlace ? IN_PLACE : 0, HEADER.place);
  if (token !== undefined) frame.set(token, HEADER.token);
}

/** A frame by which a zygote hears that whoever it works for is there. */
export function aliveFrame(token: Uint8Array): Buffer {
  return bareFrame(token, ALIVE);
}

/** A frame by which a launcher hears that its call cannot be done again from its start any more. */
export function begunFrame(token: Uint8Array): Buffer {
  return bareFrame(token, BEGUN);
}

function bareFrame(token: Uint8Array, place: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES);
  frame.writeUInt32LE(HEADER_MAGIC, HEADER.magic);
  frame.writeUInt32LE(MACHINE_VERSION, HEADER.version);
  frame.writeUInt32LE(HEADER_BYTES, HEADER.length);
  frame.writeUInt32LE(place, HEADER.place);
  frame.set(token, HEADER.token);
  return frame;
}

function encodeCode(out: Buffer, instructions: readonly Instruction[], imageOffset: number): void {
  // Buffer.alloc gives memory of its own, aligned; its BigInt methods cost ten times a typed array's element.
  const words = new BigUint64Array(out.buffer, out.byteOffset, imageOffset / 8);
  for (const [index, instruction] of instructions.entries()) {
    const at = HEADER_BYTES + index * INSTRUCTION_BYTES;
    encodeInstruction(out, at, instruction);
    encodeOperands(out, words, at, instruction.operands, imageOffset);
  }
}

function encodeInstruction(out: Buffer, at: number, instruction: Instruction): void {
  out[at + FIELDS.op] = OPS.indexOf(instruction.op);
  out[at + FIELDS.flags] = instruction.errnos === "any" ? FLAG_ANY_ERRNO : 0;
  out[at + FIELDS.into] = instruction.into?.index ?? NO_SLOT;
  out.writeUInt16LE(instruction.number, at + FIELDS.number);
  if (instruction.target !== undefined) {
    assert(instruction.target.index !== undefined, `label ${instruction.target.name} was never marked`);
    out.writeUInt32LE(instruction.target.index, at + FIELDS.target);
  }
  if (instruction.errnos !== "any") out.set(instruction.errnos, at + FIELDS.errnos);
}

function encodeOperands(
  out: Buffer,
  words: BigUint64Array,
  at: number,
  operands: readonly Operand[],
  imageOffset: number,
): void {
  let tags = 0;
  let word = (at + FIELDS.operands) / 8;
  for (const [index, operand] of operands.entries()) {
    if (operand instanceof Pointer) {
      tags |= TAGS.pointer << (2 * index);
      words[word++] = BigInt(imageOffset + operand.offset);
    } else if (operand instanceof Slot) {
      tags |= TAGS.slot << (2 * index);
      words[word++] = BigInt(operand.index);
    } else {
      words[word++] = operand.value;
    }
  }
  out.writeUInt16LE(tags, at + FIELDS.tags);
}
