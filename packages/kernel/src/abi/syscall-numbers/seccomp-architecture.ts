import type { LinuxSeccompArch } from "@orlop/core";
import type { Architecture } from "../architecture.ts";
import type { SYSCALL_NUMBER_ROWS } from "./syscall-number-rows.ts";

/** One way to enter the kernel, as a seccomp filter sees it. */
export interface SeccompArchitecture {
  readonly name: LinuxSeccompArch;
  /** What `seccomp_data.arch` holds: `AUDIT_ARCH_*` of include/uapi/linux/audit.h. x32 shares that of x86-64. */
  readonly auditArch: number;
  readonly littleEndian: boolean;
  /** Width of an argument. A filter for 32 bits looks at the low half of `seccomp_data.args` only. */
  readonly wordBits: 32 | 64;
  /** Where the numbers are, and what is added to each to give `seccomp_data.nr`. */
  readonly rows: readonly (readonly [row: keyof typeof SYSCALL_NUMBER_ROWS, base: number])[];
  /** Whether the socket and System V IPC calls can also be made through socketcall(2) and ipc(2). */
  readonly multiplexes: boolean;
  /** Numbers from here on are a block of the architecture's own; new calls are added below it. */
  readonly ownNumbersFrom?: number;
}

/** Set in the number of every call that an x32 process makes (arch/x86/include/uapi/asm/unistd.h). */
export const X32_SYSCALL_BIT = 0x4000_0000;

// Machine numbers of include/uapi/linux/elf-em.h, and the three bits that audit.h adds to them.
const machines = {
  EM_386: 3,
  EM_68K: 4,
  EM_MIPS: 8,
  EM_PARISC: 15,
  EM_PPC: 20,
  EM_PPC64: 21,
  EM_S390: 22,
  EM_ARM: 40,
  EM_SH: 42,
  EM_X86_64: 62,
  EM_AARCH64: 183,
  EM_RISCV: 243,
  EM_LOONGARCH: 258,
} as const;
const bits64 = 0x8000_0000;
const little = 0x4000_0000;
const n32 = 0x2000_0000;

type Rows = SeccompArchitecture["rows"];
type Row = Rows[number][0];

function architecture(
  name: LinuxSeccompArch,
  machine: keyof typeof machines,
  convention: number,
  wordBits: 32 | 64,
  rows: Row | Rows,
  extra: Partial<Pick<SeccompArchitecture, "multiplexes" | "ownNumbersFrom">> = {},
): SeccompArchitecture {
  return {
    name,
    auditArch: machines[machine] + convention,
    littleEndian: (convention & little) !== 0,
    wordBits,
    rows: typeof rows === "string" ? [[rows, 0]] : rows,
    multiplexes: false,
    ...extra,
  };
}

const multiplexes = { multiplexes: true };
// arch/mips/include/uapi/asm/unistd.h: each calling convention has a thousand numbers.
const o32: Rows = [["mipsO32", 4000]];
const n64: Rows = [["mipsN64", 5000]];
const n32Rows: Rows = [["mipsN32", 6000]];
// __ARM_NR_BASE of arch/arm/include/uapi/asm/unistd.h.
const armPrivate = 0x0f_0000;
// The x32 calls that differ from those of x86-64 stand apart, and that block is closed since Linux 5.4.
const x32Own = X32_SYSCALL_BIT + 512;

const architectures: readonly SeccompArchitecture[] = [
  architecture("SCMP_ARCH_X86", "EM_386", little, 32, "x86", multiplexes),
  architecture("SCMP_ARCH_X86_64", "EM_X86_64", bits64 + little, 64, "x86_64"),
  architecture("SCMP_ARCH_X32", "EM_X86_64", bits64 + little, 32, [["x32", X32_SYSCALL_BIT]], {
    ownNumbersFrom: x32Own,
  }),
  architecture(
    "SCMP_ARCH_ARM",
    "EM_ARM",
    little,
    32,
    [
      ["arm", 0],
      ["armPrivate", armPrivate],
    ],
    { ownNumbersFrom: armPrivate },
  ),
  architecture("SCMP_ARCH_AARCH64", "EM_AARCH64", bits64 + little, 64, "aarch64"),
  architecture("SCMP_ARCH_MIPS", "EM_MIPS", 0, 32, o32, multiplexes),
  architecture("SCMP_ARCH_MIPS64", "EM_MIPS", bits64, 64, n64),
  architecture("SCMP_ARCH_MIPS64N32", "EM_MIPS", bits64 + n32, 32, n32Rows),
  architecture("SCMP_ARCH_MIPSEL", "EM_MIPS", little, 32, o32, multiplexes),
  architecture("SCMP_ARCH_MIPSEL64", "EM_MIPS", bits64 + little, 64, n64),
  architecture("SCMP_ARCH_MIPSEL64N32", "EM_MIPS", bits64 + little + n32, 32, n32Rows),
  architecture("SCMP_ARCH_PPC", "EM_PPC", 0, 32, "ppc", multiplexes),
  architecture("SCMP_ARCH_PPC64", "EM_PPC64", bits64, 64, "ppc64", multiplexes),
  architecture("SCMP_ARCH_PPC64LE", "EM_PPC64", bits64 + little, 64, "ppc64", multiplexes),
  architecture("SCMP_ARCH_S390", "EM_S390", 0, 32, "s390", multiplexes),
  architecture("SCMP_ARCH_S390X", "EM_S390", bits64, 64, "s390x", multiplexes),
  architecture("SCMP_ARCH_PARISC", "EM_PARISC", 0, 32, "parisc"),
  architecture("SCMP_ARCH_PARISC64", "EM_PARISC", bits64, 64, "parisc64"),
  architecture("SCMP_ARCH_RISCV64", "EM_RISCV", bits64 + little, 64, "riscv64"),
  architecture("SCMP_ARCH_LOONGARCH64", "EM_LOONGARCH", bits64 + little, 64, "loongarch64"),
  architecture("SCMP_ARCH_M68K", "EM_68K", 0, 32, "m68k", multiplexes),
  architecture("SCMP_ARCH_SH", "EM_SH", little, 32, "sh", multiplexes),
  architecture("SCMP_ARCH_SHEB", "EM_SH", 0, 32, "sh", multiplexes),
];

const byName = new Map<string, SeccompArchitecture>(architectures.map((each) => [each.name, each]));

/** All architectures of the OCI spec. */
export function seccompArchitectures(): readonly SeccompArchitecture[] {
  return architectures;
}

/** The architecture of that name, or undefined when the name is none of the spec's. */
export function seccompArchitecture(name: string): SeccompArchitecture | undefined {
  return byName.get(name);
}

/** The name under which an OCI config knows the architecture that a program is compiled for. */
export function nativeSeccompArch(architecture: Architecture): LinuxSeccompArch {
  return architecture === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
}
