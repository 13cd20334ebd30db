import type { Architecture } from "../abi/architecture.ts";
import { encodeProgram, type Program } from "../program/program.ts";
import { verifyProgram } from "../program/verify.ts";
import { emitArm64 } from "./arm64.ts";
import type { AssembledCode, ListingLine } from "./code-buffer.ts";
import { elfExecutable } from "./elf.ts";
import { BOOT_ADDRESS } from "./memory-layout.ts";
import { emitX86 } from "./x86-64.ts";

const EMITTERS: Readonly<Record<Architecture, () => AssembledCode>> = { x86_64: emitX86, aarch64: emitArm64 };

/** The machine's executable for `architecture`: the same bytes every time, below 4 kB. */
export function emitMachine(architecture: Architecture): Buffer {
  return elfExecutable(EMITTERS[architecture]().code, architecture);
}

/** The machine with its boot program inside: an executable of its own, which reads no other. */
export function emitMachineWith(program: Program): Buffer {
  verifyProgram(program);
  const boot = encodeProgram(program, { loadAddress: BOOT_ADDRESS });
  return elfExecutable(EMITTERS[program.architecture]().code, program.architecture, boot);
}

/** The machine's instructions for a reader, as `objdump` would print them (x86-64 in Intel syntax, arm64 without aliases). */
export function machineListing(architecture: Architecture): readonly ListingLine[] {
  return EMITTERS[architecture]().listing;
}
