import { PROGRAM_MAX_BYTES } from "../program/program.ts";

/**
 * Where everything lies in the machine's address space: fixed, the same for both architectures, so that pointers
 * inside structures can be written when the program is encoded.
 *
 * | address | what | access |
 * | --- | --- | --- |
 * | 0x010000 | ELF header and code | read, execute |
 * | 0x020000 | slots (256 x 8 bytes; the last is a bit bucket), then six argument cells | read, write |
 * | 0x021000 | boot program, read from descriptor 3 at start, or out of the executable | read, write |
 * | 0x030000 | nothing, one page of the largest size | none |
 * | 0x040000 | request program, read by a zygote | read, write |
 *
 * Nothing is ever both writable and executable. The machine itself only writes slots and, within verified bounds, the
 * program's image. The kernel writes where a system call says, and a length that is only known at run time may run over
 * its object; it then runs forwards, over the rest of the image, which is a program's last part, and meets the end of
 * the area (EFAULT): never slots, instructions or another program. All of it lies within the first two megabytes as
 * long as programs are not larger, so that one page table serves a process.
 */
export const TEXT_ADDRESS = 0x10000;
export const SLOTS_ADDRESS = 0x20000;
/** Evaluated operands of the current instruction, relative to the slots. */
export const OPERANDS_OFFSET = 0x800;
export const BOOT_ADDRESS = 0x21000;
export const BOOT_MAX_BYTES = 0xf000;
export const REQUEST_ADDRESS = 0x40000;
/** One past the request area. */
export const DATA_END: number = REQUEST_ADDRESS + PROGRAM_MAX_BYTES;

/** The descriptor from which a machine reads its boot program, and over which a zygote talks. */
export const CONTROL_FD = 3;

/** Exit status of a machine that met an instruction, header or frame it does not know, or a failure without handler. */
export const MACHINE_REFUSED_STATUS = 254;
