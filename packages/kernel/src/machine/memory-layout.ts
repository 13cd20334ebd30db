import { PROGRAM_MAX_BYTES } from "../program/program.ts";

/**
 * Where everything lies in the machine's address space: fixed, the same for both architectures, so that pointers
 * inside structures can be written when the program is encoded.
 *
 * | address | what | access |
 * | --- | --- | --- |
 * | 0x010000 | ELF header and code | read, execute |
 * | 0x200000 | slots (256 x 8 bytes; the last is a bit bucket), then six argument cells | read, write |
 * | 0x201000 | boot program, read from descriptor 3 at start | read, write |
 * | 0x210000 | request program, read by a zygote | read, write |
 *
 * Nothing is ever both writable and executable. Code of a program precedes its image, so that a length that runs over
 * the image meets the end of the mapping (EFAULT), not instructions.
 */
export const TEXT_ADDRESS = 0x10000;
export const SLOTS_ADDRESS = 0x200000;
/** Evaluated operands of the current instruction, relative to the slots. */
export const OPERANDS_OFFSET = 0x800;
export const BOOT_ADDRESS = 0x201000;
export const BOOT_MAX_BYTES = 0xf000;
export const REQUEST_ADDRESS = 0x210000;
export const DATA_END: number = REQUEST_ADDRESS + PROGRAM_MAX_BYTES;

/** The descriptor from which a machine reads its boot program, and over which a zygote talks. */
export const CONTROL_FD = 3;

/** Exit status of a machine that met an instruction, header or frame it does not know, or a failure without handler. */
export const MACHINE_REFUSED_STATUS = 254;
