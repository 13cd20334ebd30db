import assert from "node:assert/strict";
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

/**
 * A static executable of one code segment and two data segments (System V gABI, chapters 4 and 5). The data are zero, but
 * for a boot program, where one is given: its bytes for {@link BOOT_ADDRESS}.
 */
export function elfExecutable(code: Uint8Array, architecture: Architecture, boot?: Uint8Array): Buffer {
  const size = CODE_OFFSET + code.length;
  assert(boot === undefined || boot.length <= BOOT_MAX_BYTES, "a boot program fits its area");
  const bootOffset = SEGMENT_ALIGNMENT + BOOT_ADDRESS - SLOTS_ADDRESS;
  const out = Buffer.alloc(boot === undefined ? size : bootOffset + boot.length);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  out.writeUInt16LE(2, 16); // ET_EXEC
  out.writeUInt16LE(E_MACHINE[architecture], 18);
  out.writeUInt32LE(1, 20);
  out.writeBigUInt64LE(BigInt(TEXT_ADDRESS + CODE_OFFSET), 24); // e_entry
  out.writeBigUInt64LE(BigInt(EHDR_BYTES), 32); // e_phoff
  out.writeUInt16LE(EHDR_BYTES, 52);
  out.writeUInt16LE(PHDR_BYTES, 54);
  out.writeUInt16LE(SEGMENTS, 56);
  const segment = { offset: 0, fileBytes: 0 };
  const data = { ...segment, type: PT_LOAD, flags: PF_R | PF_W };
  const inFile = boot === undefined ? {} : { offset: SEGMENT_ALIGNMENT, fileBytes: out.length - SEGMENT_ALIGNMENT };
  const headers: readonly ProgramHeader[] = [
    { ...segment, type: PT_LOAD, flags: PF_R | PF_X, address: TEXT_ADDRESS, fileBytes: size, bytes: size },
    { ...data, ...inFile, address: SLOTS_ADDRESS, bytes: BOOT_ADDRESS + BOOT_MAX_BYTES - SLOTS_ADDRESS },
    { ...data, address: REQUEST_ADDRESS, bytes: DATA_END - REQUEST_ADDRESS },
    { ...data, type: PT_GNU_STACK, address: 0, bytes: 0 },
  ];
  for (const [index, header] of headers.entries()) writeProgramHeader(out, EHDR_BYTES + index * PHDR_BYTES, header);
  out.set(code, CODE_OFFSET);
  if (boot !== undefined) out.set(boot, bootOffset);
  return out;
}

interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  /** In the file: congruent to the address in pages of any size, as mmap(2) wants it. */
  readonly offset: number;
  readonly fileBytes: number;
  readonly address: number;
  readonly bytes: number;
}

function writeProgramHeader(out: Buffer, at: number, header: ProgramHeader): void {
  out.writeUInt32LE(header.type, at);
  out.writeUInt32LE(header.flags, at + 4);
  out.writeBigUInt64LE(BigInt(header.offset), at + 8);
  out.writeBigUInt64LE(BigInt(header.address), at + 16);
  out.writeBigUInt64LE(BigInt(header.address), at + 24);
  out.writeBigUInt64LE(BigInt(header.fileBytes), at + 32);
  out.writeBigUInt64LE(BigInt(header.bytes), at + 40);
  out.writeBigUInt64LE(BigInt(SEGMENT_ALIGNMENT), at + 48);
}
