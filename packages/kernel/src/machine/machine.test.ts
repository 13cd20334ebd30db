import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Architecture } from "../abi/architecture.ts";
import { PROGRAM_MAX_BYTES } from "../program/program.ts";
import { CODE_OFFSET } from "./elf.ts";
import { emitMachine, machineListing } from "./machine.ts";
import { findExecutable } from "./machine-fixture.ts";
import {
  BOOT_ADDRESS,
  BOOT_MAX_BYTES,
  DATA_END,
  OPERANDS_OFFSET,
  REQUEST_ADDRESS,
  SLOTS_ADDRESS,
  TEXT_ADDRESS,
} from "./memory-layout.ts";

const ARCHITECTURES: readonly Architecture[] = ["x86_64", "aarch64"];
const MACHINE_MAX_BYTES = 4096;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const [PF_X, PF_W] = [1, 2];
/** The largest page size of either architecture, and the kernel's default for vm.mmap_min_addr. */
const PAGE_MAX_BYTES = 0x10000;

interface Disassembler {
  /** Names under which it is found, the one for this machine's own code last. */
  readonly programs: readonly string[];
  readonly args: readonly string[];
}

const DISASSEMBLERS: Readonly<Record<Architecture, Disassembler>> = {
  x86_64: { programs: ["x86_64-linux-gnu-objdump", "objdump"], args: ["-m", "i386:x86-64", "-M", "intel"] },
  aarch64: { programs: ["aarch64-linux-gnu-objdump", "objdump"], args: ["-m", "aarch64", "-M", "no-aliases"] },
};

/** The instructions as objdump sees them: blanks made single, remarks removed. Undefined when it is not there. */
function disassemble(architecture: Architecture): readonly { offset: number; text: string }[] | undefined {
  const { programs, args } = DISASSEMBLERS[architecture];
  const directory = mkdtempSync(join(tmpdir(), "orlop-listing-"));
  try {
    const path = join(directory, "code");
    writeFileSync(path, emitMachine(architecture).subarray(CODE_OFFSET));
    for (const program of programs.map(findExecutable).filter((found) => found !== undefined)) {
      const options = ["-D", "-b", "binary", "--insn-width=16", ...args, path];
      try {
        return parse(execFileSync(program, options, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
      } catch {
        // An objdump for other architectures only.
      }
    }
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function parse(output: string): { offset: number; text: string }[] {
  return output.split("\n").flatMap((line) => {
    const found = /^ *([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/.exec(line);
    if (found === null) return [];
    const text = (found[2] ?? "").replace(/\s*(\/\/|# ).*$/, "").replace(/\s+/g, " ");
    return [{ offset: Number.parseInt(found[1] ?? "", 16), text: text.trim() }];
  });
}

function segments(elf: Buffer): { type: number; flags: number; start: number; end: number }[] {
  const start = Number(elf.readBigUInt64LE(32));
  const [size, count] = [elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    const address = Number(elf.readBigUInt64LE(at + 16));
    return {
      type: elf.readUInt32LE(at),
      flags: elf.readUInt32LE(at + 4),
      start: address,
      end: address + Number(elf.readBigUInt64LE(at + 40)),
    };
  });
}

for (const architecture of ARCHITECTURES) {
  describe(`the machine for ${architecture}`, () => {
    test("is what its emitter meant, instruction by instruction, in the eyes of objdump", (t) => {
      const seen = disassemble(architecture);
      if (seen === undefined) {
        t.skip(`needs ${DISASSEMBLERS[architecture].programs[0]} (binutils for ${architecture})`);
        return;
      }
      const meant = machineListing(architecture);
      for (const [index, line] of meant.entries()) assert.deepEqual(seen[index], line);
      assert.equal(seen.length, meant.length);
    });

    test("has less than 4 kB and is the same every time", () => {
      const machine = emitMachine(architecture);
      assert.ok(machine.length < MACHINE_MAX_BYTES, `${machine.length} bytes`);
      assert.deepEqual(emitMachine(architecture), machine);
    });

    test("has no memory that is both writable and executable, its stack included", () => {
      const all = segments(emitMachine(architecture));
      assert.deepEqual(
        all.map(({ type }) => type),
        [PT_LOAD, PT_LOAD, PT_LOAD, PT_GNU_STACK],
      );
      for (const { flags } of all) assert.notEqual(flags & (PF_W | PF_X), PF_W | PF_X);
      assert.equal(all.filter(({ flags }) => (flags & PF_X) !== 0).length, 1);
    });

    test("begins in its code segment, and no two segments share a page", () => {
      const machine = emitMachine(architecture);
      const load = segments(machine).filter(({ type }) => type === PT_LOAD);
      assert.equal(machine.readBigUInt64LE(24), BigInt(TEXT_ADDRESS + CODE_OFFSET));
      assert.deepEqual(load[0], { type: PT_LOAD, flags: 5, start: TEXT_ADDRESS, end: TEXT_ADDRESS + machine.length });
      for (const [index, { start }] of load.entries()) {
        const before = load[index - 1]?.end ?? PAGE_MAX_BYTES;
        assert.ok(start % PAGE_MAX_BYTES === 0 && start >= before, `segment ${index}`);
      }
    });
  });
}

test("the two program areas are followed by memory that does not exist, slots lie before both", () => {
  const load = segments(emitMachine("x86_64")).filter(({ flags }) => (flags & PF_W) !== 0);
  const [boot, request] = load;
  assert.equal(boot?.start, SLOTS_ADDRESS);
  assert.ok(SLOTS_ADDRESS + OPERANDS_OFFSET + 6 * 8 <= BOOT_ADDRESS);
  assert.equal(boot.end, BOOT_ADDRESS + BOOT_MAX_BYTES);
  assert.ok(boot.end % PAGE_MAX_BYTES === 0 && boot.end + PAGE_MAX_BYTES <= REQUEST_ADDRESS);
  assert.deepEqual([request?.start, request?.end], [REQUEST_ADDRESS, DATA_END]);
  assert.equal(DATA_END - REQUEST_ADDRESS, PROGRAM_MAX_BYTES);
});
