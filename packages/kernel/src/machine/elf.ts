import type { Architecture } from "../abi/architecture.ts";
import {
  BOOT_ADDRESS,
  BOOT_MAX_BYTES,
  DATA_END,
  REQUEST_ADDRESS,
  SLOTS_ADDRESS,
  TEXT_ADDRESS,
} from "./memory-layout.ts";

const EHDR_BYTES = 64;
const PHDR_BYTES = 56;
const SEGMENTS = 4;

/** Offset of the first instruction in the file (and, from {@link TEXT_ADDRESS}, in memory). */
export const CODE_OFFSET: number = EHDR_BYTES + SEGMENTS * PHDR_BYTES;

const E_MACHINE: Readonly<Record<Architecture, number>> = { x86_64: 62, aarch64: 183 };

/** 64 KiB: the largest page size of arm64; segments must not share a page. */
const SEGMENT_ALIGNMENT = 0x10000;

const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;

/** A static executable of one code segment and two zeroed data segments (System V gABI, chapters 4 and 5). */
export function elfExecutable(code: Uint8Array, architecture: Architecture): Buffer {
  const size = CODE_OFFSET + code.length;
  const out = Buffer.alloc(size);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  out.writeUInt16LE(2, 16); // ET_EXEC
  out.writeUInt16LE(E_MACHINE[architecture], 18);
  out.writeUInt32LE(1, 20);
  out.writeBigUInt64LE(BigInt(TEXT_ADDRESS + CODE_OFFSET), 24); // e_entry
  out.writeBigUInt64LE(BigInt(EHDR_BYTES), 32); // e_phoff
  out.writeUInt16LE(EHDR_BYTES, 52);
  out.writeUInt16LE(PHDR_BYTES, 54);
  out.writeUInt16LE(SEGMENTS, 56);
  programHeader(out, 0, PT_LOAD, PF_R | PF_X, TEXT_ADDRESS, size, size);
  programHeader(out, 1, PT_LOAD, PF_R | PF_W, SLOTS_ADDRESS, 0, BOOT_ADDRESS + BOOT_MAX_BYTES - SLOTS_ADDRESS);
  programHeader(out, 2, PT_LOAD, PF_R | PF_W, REQUEST_ADDRESS, 0, DATA_END - REQUEST_ADDRESS);
  programHeader(out, 3, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0);
  out.set(code, CODE_OFFSET);
  return out;
}

function programHeader(
  out: Buffer,
  index: number,
  type: number,
  flags: number,
  address: number,
  fileSize: number,
  memorySize: number,
): void {
  const at = EHDR_BYTES + index * PHDR_BYTES;
  out.writeUInt32LE(type, at);
  out.writeUInt32LE(flags, at + 4);
  out.writeBigUInt64LE(0n, at + 8); // p_offset: all segments begin at the file's start
  out.writeBigUInt64LE(BigInt(address), at + 16);
  out.writeBigUInt64LE(BigInt(address), at + 24);
  out.writeBigUInt64LE(BigInt(fileSize), at + 32);
  out.writeBigUInt64LE(BigInt(memorySize), at + 40);
  out.writeBigUInt64LE(BigInt(SEGMENT_ALIGNMENT), at + 48);
}
