/**
 * Writes packages/kernel/src/abi/syscall-numbers/syscall-number-rows.ts from the kernel's own headers:
 *
 *     apt-get download linux-libc-dev && dpkg -x linux-libc-dev_*.deb new
 *     node -C source tools/generate-syscall-numbers.ts new old
 *
 * `new` is an unpacked linux-libc-dev of Debian 13 or later (since then it holds every architecture's headers under
 * usr/lib/linux/uapi). `old` is one of Linux 6.12 to 6.18: the last that still have the 31-bit calls of s390, which
 * Linux 6.19 dropped.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const target = "packages/kernel/src/abi/syscall-numbers/syscall-number-rows.ts";

/** Row of the generated table, the header it comes from, the prefix of its macros. */
const sources: readonly (readonly [row: string, header: string, prefix?: string])[] = [
  ["x86_64", "x86/asm/unistd_64.h"],
  ["x86", "x86/asm/unistd_32.h"],
  ["x32", "x86/asm/unistd_x32.h"],
  ["arm", "arm/asm/unistd-eabi.h"],
  ["armPrivate", "arm/asm/unistd.h", "__ARM_NR_"],
  ["aarch64", "arm64/asm/unistd_64.h"],
  ["mipsO32", "mips/asm/unistd_o32.h"],
  ["mipsN64", "mips/asm/unistd_n64.h"],
  ["mipsN32", "mips/asm/unistd_n32.h"],
  ["ppc", "powerpc/asm/unistd_32.h"],
  ["ppc64", "powerpc/asm/unistd_64.h"],
  ["s390x", "s390/asm/unistd_64.h"],
  ["parisc", "parisc/asm/unistd_32.h"],
  ["parisc64", "parisc/asm/unistd_64.h"],
  ["riscv64", "riscv/asm/unistd_64.h"],
  ["loongarch64", "loongarch/asm/unistd_64.h"],
  ["m68k", "m68k/asm/unistd_32.h"],
  ["sh", "sh/asm/unistd_32.h"],
];

/** The first call that Linux 6.13 added and the last that Linux 6.18 had; s390 gave each to both word sizes. */
const s390SinceOldHeaders = { first: 463, last: 469 };

/** Places in the tables that never held a call. */
const placeholder = /^(unused|reserved|available)\d*$/;

function uapi(root: string, header: string): string {
  return readFileSync(join(root, "usr/lib/linux/uapi", header), "utf8");
}

/** Reads `#define __NR_read 0`, `#define __NR_read (__NR_Linux + 0)` and aliases of earlier lines. */
function parseNumbers(text: string, prefix: string): Map<string, number> {
  const numbers = new Map<string, number>();
  const line = new RegExp(
    `^#define ${prefix}(\\w+)[ \\t]+(?:__NR_(\\w+)|\\(?(?:\\w+ ?\\+ ?)?(\\d+)\\)?)[ \\t]*$`,
    "gm",
  );
  for (const [, name = "", alias, digits] of text.matchAll(line)) {
    const number = alias === undefined ? Number(digits) : numbers.get(alias);
    if (number !== undefined && !placeholder.test(name)) numbers.set(name, number);
  }
  return numbers;
}

/** `__NR_sync_file_range2` is an alias in arm's hand-written header, of a call in its generated one. */
function addArmAliases(arm: Map<string, number>, text: string): void {
  for (const [, alias = "", name = ""] of text.matchAll(/^#define __NR_(\w+)\s+__NR_(\w+)\s*$/gm)) {
    const number = arm.get(name);
    if (number !== undefined) arm.set(alias, number);
  }
}

function readRows(newRoot: string, oldRoot: string): Map<string, Map<string, number>> {
  const rows = new Map<string, Map<string, number>>();
  for (const [row, header, prefix = "__NR_"] of sources) {
    const numbers = parseNumbers(uapi(newRoot, header), prefix);
    numbers.delete("BASE");
    if (row === "arm") addArmAliases(numbers, uapi(newRoot, "arm/asm/unistd.h"));
    rows.set(row, numbers);
  }
  const s390 = parseNumbers(uapi(oldRoot, "s390/asm/unistd_32.h"), "__NR_");
  for (const [name, number] of rows.get("s390x") ?? []) {
    if (number >= s390SinceOldHeaders.first && number <= s390SinceOldHeaders.last) s390.set(name, number);
  }
  rows.set("s390", s390);
  return rows;
}

function kernelVersion(root: string): string {
  const text = readFileSync(join(root, "usr/include/linux/version.h"), "utf8");
  const part = (name: string): string => new RegExp(`LINUX_VERSION_${name} (\\d+)`).exec(text)?.[1] ?? "?";
  return `${part("MAJOR")}.${part("PATCHLEVEL")}`;
}

function encodeRow(numbers: ReadonlyMap<string, number>, names: readonly string[]): string {
  return names.map((name) => numbers.get(name)?.toString(36).padStart(2, "0") ?? "..").join("");
}

const [newRoot, oldRoot] = process.argv.slice(2);
if (newRoot === undefined || oldRoot === undefined) throw new Error("usage: generate-syscall-numbers.ts NEW OLD");
const rows = readRows(newRoot, oldRoot);
const names = [...new Set([...rows.values()].flatMap((row) => [...row.keys()]))].sort();
const lines = [...rows].map(([row, numbers]) => `  ${row}:\n    "${encodeRow(numbers, names)}",`);
writeFileSync(
  target,
  `// generated: by tools/generate-syscall-numbers.ts from the headers of Linux ${kernelVersion(newRoot)}

/** Every name that some architecture has, in the order of the rows below. */
export const SYSCALL_NAME_LIST: string =
  "${names.join(" ")}";

/** For each name its number, two digits of base 36; \`..\` where the architecture does not have the call. */
export const SYSCALL_NUMBER_ROWS = {
${lines.join("\n")}
};
`,
);
